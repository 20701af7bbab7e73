/// A request that the API answers, as method and path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Route {
    /// Makes a key.
    CreateKey,
    /// Revokes a key.
    DeleteKey,
    /// Describes a key.
    GetKey,
    /// Describes all keys that the credential may see.
    ListKeys,
    /// Exchanges an OAuth client for an access token.
    Token,
}

/// The methods of the routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteMethod {
    /// `DELETE`
    Delete,
    /// `GET`
    Get,
    /// `POST`
    Post,
}

impl RouteMethod {
    /// The method as it is sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "DELETE",
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

impl Route {
    /// All routes that tailmint has a use for.
    pub const ALL: [Self; 5] = [
        Self::CreateKey,
        Self::DeleteKey,
        Self::GetKey,
        Self::ListKeys,
        Self::Token,
    ];

    /// The route's method.
    pub const fn method(self) -> RouteMethod {
        match self {
            Self::CreateKey | Self::Token => RouteMethod::Post,
            Self::DeleteKey => RouteMethod::Delete,
            Self::GetKey | Self::ListKeys => RouteMethod::Get,
        }
    }

    /// The route's path with its variable segments named in braces.
    pub const fn template(self) -> &'static str {
        match self {
            Self::CreateKey | Self::ListKeys => "/api/v2/tailnet/{tailnet}/keys",
            Self::DeleteKey | Self::GetKey => "/api/v2/tailnet/{tailnet}/keys/{id}",
            Self::Token => "/api/v2/oauth/token",
        }
    }

    /// The query that the route is asked with. Without `all`, the API lists other
    /// keys than those that the credential may see (Tailscale's `OpenAPI` document,
    /// `listTailnetKeys`).
    pub const fn query(self) -> Option<&'static str> {
        match self {
            Self::ListKeys => Some("all=true"),
            _ => None,
        }
    }

    /// The most bytes of the response's body that are read. One key is described
    /// in under 1 KiB, and is all that most routes answer; more than 64 KiB is not
    /// the API. A list has some hundred of them in a large tailnet.
    pub const fn max_response_bytes(self) -> usize {
        match self {
            Self::ListKeys => 512 * 1024,
            _ => 64 * 1024,
        }
    }

    /// The route's path for this tailnet and this key. Routes that name none of
    /// them leave them out.
    pub fn path(self, tailnet: &str, id: &str) -> String {
        self.template()
            .replace("{tailnet}", tailnet)
            .replace("{id}", id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_their_segments_filled_in() {
        assert_eq!(Route::Token.path("-", "k1"), "/api/v2/oauth/token");
        assert_eq!(Route::CreateKey.path("-", ""), "/api/v2/tailnet/-/keys");
        assert_eq!(
            Route::GetKey.path("user@example.com", "k1CNTRL"),
            "/api/v2/tailnet/user@example.com/keys/k1CNTRL"
        );
    }

    #[test]
    fn no_two_routes_are_the_same() {
        for (index, one) in Route::ALL.iter().enumerate() {
            for other in &Route::ALL[index + 1..] {
                assert_ne!(
                    (one.method().as_str(), one.template()),
                    (other.method().as_str(), other.template())
                );
            }
        }
    }
}

//! Paths of the API, built from checked parts.

use tailmint_api::{Route, is_key_id, is_tailnet};

use crate::Error;

/// The path of a route about a tailnet.
pub(crate) fn of_tailnet(route: Route, tailnet: &str) -> Result<String, Error> {
    if !is_tailnet(tailnet) {
        return Err(Error::invalid_request(
            "invalid tailnet name",
            "use the name that the admin console shows, such as example.com, or - for the credential's own tailnet",
        ));
    }
    Ok(route.path(tailnet, ""))
}

/// The path of a route about a key of a tailnet.
pub(crate) fn of_key(route: Route, tailnet: &str, id: &str) -> Result<String, Error> {
    of_tailnet(route, tailnet)?;
    if !is_key_id(id) {
        return Err(Error::invalid_request(
            "invalid key id",
            "use the id, such as k123456CNTRL, and not the key itself",
        ));
    }
    Ok(route.path(tailnet, id))
}

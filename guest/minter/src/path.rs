//! Paths of the API, built from parts that were judged.

use tailmint_api::{Route, is_key_id, is_tailnet};

use crate::Error;

/// The path of a route that names a tailnet.
pub(crate) fn of_tailnet(route: Route, tailnet: &str) -> Result<String, Error> {
    if !is_tailnet(tailnet) {
        return Err(Error::invalid_request(
            "the tailnet's name is not one",
            "give its name as the admin console shows it, such as example.com, or - for the credential's own",
        ));
    }
    Ok(route.path(tailnet, ""))
}

/// The path of a route that names a key of a tailnet.
pub(crate) fn of_key(route: Route, tailnet: &str, id: &str) -> Result<String, Error> {
    of_tailnet(route, tailnet)?;
    if !is_key_id(id) {
        return Err(Error::invalid_request(
            "the key's id is not one",
            "give the id, such as k123456CNTRL, and not the key itself",
        ));
    }
    Ok(route.path(tailnet, id))
}

use std::cell::RefCell;

use tailmint::KeyId;
use tailmint_operator::clients::ClientsError;
use tailmint_operator::credentials::Stray;

use crate::trace::Trace;

/// Names every OAuth client that lives on and is in no file, once.
#[derive(Default)]
pub(super) struct StrayWarnings {
    named: RefCell<Vec<KeyId>>,
}

impl StrayWarnings {
    /// One that goes out of the files.
    pub(super) fn tell(&self, stray: &Stray) {
        match stray {
            Stray::CutOff(Some(id)) => self.name(id, "was left behind by a run that was cut off"),
            Stray::Replaced(id) => self.name(id, "was in the files before, and still exists"),
            _ => Trace::note(
                "warning: a run that was cut off may have left an OAuth client that is in no file; see which there are: tailmint clients list",
            ),
        }
    }

    /// Those with the description of this profile, as far as they could be found out.
    pub(super) fn about(&self, profile: &str, others: Result<Vec<KeyId>, ClientsError>) {
        match others {
            Ok(others) => {
                for id in others {
                    self.name(&id, "has the same description, and still exists");
                }
            }
            Err(error) => Trace::note(&format!(
                "warning: {profile}: which other OAuth clients have its description is not known: {error}; see which there are: tailmint clients list"
            )),
        }
    }

    fn name(&self, id: &KeyId, is: &str) {
        if self.named.borrow().contains(id) {
            return;
        }
        Trace::note(&format!(
            "warning: OAuth client {id} {is}; if nobody uses it, delete it: tailmint clients delete --id {id}"
        ));
        self.named.borrow_mut().push(id.clone());
    }
}

use clap::Args;
use tailmint::{Description, Expiry, KeyCapabilities, KeyProperties, Tag};
use tailmint_operator::Profile;

use super::identity_flags::IdentityFlags;

// What the key is to allow, where it differs from the profile's.
#[derive(Args)]
pub(super) struct KeyFlags {
    /// Whose credential to use [default: bootstrap]
    #[arg(long, value_name = "NAME")]
    pub(super) profile: Option<String>,
    #[command(flatten)]
    pub(super) identity: IdentityFlags,
    /// Tag of the machines, instead of the profile's; may be repeated
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<Tag>,
    /// How long the key joins machines, such as 10m [default: 1h]
    #[arg(long, value_name = "DURATION")]
    expiry: Option<Expiry>,
    /// The key joins one machine only
    #[arg(long)]
    single_use: bool,
    /// The machines stay in the tailnet when they go offline
    #[arg(long)]
    no_ephemeral: bool,
    /// The machines wait for an administrator to approve them
    #[arg(long)]
    no_preauthorized: bool,
    /// What the admin console shows beside the key
    #[arg(long, value_name = "TEXT")]
    description: Option<Description>,
}

impl KeyFlags {
    /// The properties of the profile's keys, changed as the flags say.
    pub(super) fn properties(&self, profile: &Profile) -> KeyProperties {
        let mut key = profile.key.clone();
        let KeyCapabilities {
            reusable,
            ephemeral,
            preauthorized,
            tags,
        } = &mut key.capabilities;
        *reusable &= !self.single_use;
        *ephemeral &= !self.no_ephemeral;
        *preauthorized &= !self.no_preauthorized;
        if !self.tags.is_empty() {
            tags.clone_from(&self.tags);
        }
        key.expiry = self.expiry.unwrap_or(key.expiry);
        key.description = self.description.clone().or(key.description);
        key
    }
}

/// The capabilities of a key in words, those of its flags.
pub(super) fn in_words(capabilities: &KeyCapabilities<Vec<String>>) -> String {
    let KeyCapabilities {
        reusable,
        ephemeral,
        preauthorized,
        tags,
    } = capabilities;
    format!(
        "{}, {}, {}, tags {}",
        if *reusable { "reusable" } else { "single use" },
        if *ephemeral {
            "ephemeral"
        } else {
            "not ephemeral"
        },
        if *preauthorized {
            "preauthorized"
        } else {
            "not preauthorized"
        },
        tags.join(" "),
    )
}

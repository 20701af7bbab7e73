//! The kinds of members that a policy has. A member of each kind knows by itself how it
//! is inherited, whether it lies within the ceiling, what it denies, and how it is
//! documented.

use std::{borrow::Cow, fmt, ops::Range, str::FromStr};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use tailmint_api::{Expiry, Issuer, Operation, Pattern, Scope, Tag};
use tailmint_core::{Denial, VaultAddress, quoted};

use crate::{
    choice::{Choice, choice},
    seen::Seen,
};

/// A member of a policy.
pub(crate) trait Member: Clone + fmt::Debug + PartialEq {
    /// How a file gives it.
    type Given: DeserializeOwned + fmt::Debug;

    /// The member of this name where a file gives it, over what holds otherwise.
    fn over(given: Self::Given, base: &Self, name: &str) -> Result<Self, Misfit>;

    /// The first member, itself or one of its own, that allows what `ceiling` does not
    /// allow; `path` is its own.
    fn wider_than(&self, ceiling: &Self, path: &str) -> Option<String>;

    /// Whether it allows what is seen.
    fn judge(&self, at: &At<'_>, seen: Seen<'_>) -> Result<(), Denial>;

    /// Whether its rule has no such member.
    fn is_absent(&self) -> bool {
        false
    }

    /// How it is written, as JSON schema.
    fn schema() -> Value;

    /// How it is written, in words; for a section its members.
    fn form() -> Form;
}

/// How a member is written.
pub(crate) enum Form {
    /// A value: in words.
    Value(Cow<'static, str>),
    /// A table with members of its own.
    Section(Vec<MemberDoc>),
}

/// What the reference and the schema say of a member.
pub(crate) struct MemberDoc {
    pub(crate) name: String,
    pub(crate) docs: &'static str,
    pub(crate) form: Form,
    pub(crate) schema: Value,
}

/// A member that its rule or section cannot have like this.
#[derive(Debug)]
pub(crate) struct Misfit {
    pub(crate) message: String,
    /// Where it stands in the file.
    pub(crate) span: Option<Range<usize>>,
}

impl Misfit {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            span: None,
        }
    }

    /// The same within this part of the file, where it does not say where.
    pub(crate) fn within(self, span: Range<usize>) -> Self {
        Self {
            span: self.span.or(Some(span)),
            ..self
        }
    }
}

/// Where a member stands in the policy, and what it judges.
pub(crate) struct At<'a> {
    /// The section that it is in.
    pub(crate) section: Option<&'a At<'a>>,
    /// Its name, with `_` for `-`.
    pub(crate) name: &'a str,
    /// The part of the request: `body.capabilities.devices.create.tags`.
    pub(crate) part: &'a str,
    /// Whether a change of the member would allow it.
    pub(crate) has_remedy: bool,
}

impl<'a> At<'a> {
    /// A section of the policy.
    pub(crate) fn section(section: Option<&'a At<'a>>, name: &'a str) -> Self {
        Self {
            section,
            name,
            part: name,
            has_remedy: true,
        }
    }

    /// As it is written: `rule.create-auth-key.key.tags`.
    fn path(&self) -> String {
        let name = self.name.replace('_', "-");
        match self.section {
            Some(section) => format!("{}.{name}", section.path()),
            None => name,
        }
    }

    fn deny(&self, reason: impl Into<String>) -> Denial {
        Denial::new(self.part, reason)
    }

    fn unexpected(&self, text: &str) -> Denial {
        self.deny(format!("{} is not expected", quoted(text.as_bytes())))
    }

    /// A denial with the change that would allow it, of the member's path.
    fn deny_unless(
        &self,
        reason: impl Into<String>,
        remedy: impl FnOnce(String) -> String,
    ) -> Denial {
        let denial = self.deny(reason);
        if self.has_remedy {
            denial.unless(remedy(self.path()))
        } else {
            denial
        }
    }
}

/// A member that is not made for what is seen: the table of members is at fault.
pub(crate) fn mismatch(at: &At<'_>) -> Denial {
    at.deny("the policy cannot judge it")
}

/// Wider by itself.
fn unless_within(within: bool, path: &str) -> Option<String> {
    (!within).then(|| path.to_owned())
}

choice! {
    /// Whether something is allowed.
    Permission: "allow" | "forbid"
}

choice! {
    /// Whether a property of a key is allowed, required or forbidden.
    Property: "allow" | "require" | "forbid"
}

choice! {
    /// Whether the policy is enforced.
    Mode: "enforce" | "report"
}

choice! {
    /// Whether a process that speaks to the network has to be confined.
    Confining: "best-effort" | "required"
}

fn enumeration(choices: impl IntoIterator<Item = String>) -> Value {
    json!({ "enum": choices.into_iter().collect::<Vec<_>>() })
}

/// A member that is one word of a few.
trait Setting: Choice + fmt::Debug + PartialEq + DeserializeOwned {
    /// Whether this allows nothing that `ceiling` does not allow.
    fn is_within(self, ceiling: Self) -> bool;

    /// Whether it allows what is seen.
    fn allows(self, at: &At<'_>, seen: Seen<'_>) -> Result<(), Denial>;
}

impl<T: Setting> Member for T {
    type Given = Self;

    fn over(given: Self, _base: &Self, _name: &str) -> Result<Self, Misfit> {
        Ok(given)
    }

    fn wider_than(&self, ceiling: &Self, path: &str) -> Option<String> {
        unless_within(self.is_within(*ceiling), path)
    }

    fn judge(&self, at: &At<'_>, seen: Seen<'_>) -> Result<(), Denial> {
        self.allows(at, seen)
    }

    fn schema() -> Value {
        enumeration(Self::words())
    }

    /// `"allow"`, `"require"` or `"forbid"`.
    fn form() -> Form {
        let mut words = Self::words().into_iter().map(|it| format!("`\"{it}\"`"));
        let last = words.next_back().unwrap_or_default();
        let others: Vec<_> = words.collect();
        Form::Value(format!("{} or {last}", others.join(", ")).into())
    }
}

/// What is not as it should be, and the word that allows it.
fn deny_unless_allowed(at: &At<'_>, reason: impl Into<String>) -> Denial {
    at.deny_unless(reason, |path| format!("set {path} to \"allow\""))
}

impl Permission {
    pub(crate) const ALLOW: Self = Self("allow");
    pub(crate) const FORBID: Self = Self("forbid");
}

impl Setting for Permission {
    fn is_within(self, ceiling: Self) -> bool {
        self.0 == "forbid" || ceiling.0 == "allow"
    }

    fn allows(self, at: &At<'_>, seen: Seen<'_>) -> Result<(), Denial> {
        match seen {
            Seen::Flag(used) if !used || self.0 == "allow" => Ok(()),
            Seen::Flag(_) => Err(deny_unless_allowed(at, "it is not allowed")),
            _ => Err(mismatch(at)),
        }
    }
}

impl Property {
    pub(crate) const ALLOW: Self = Self("allow");
}

impl Setting for Property {
    fn is_within(self, ceiling: Self) -> bool {
        self == ceiling || ceiling.0 == "allow"
    }

    fn allows(self, at: &At<'_>, seen: Seen<'_>) -> Result<(), Denial> {
        let Seen::Flag(value) = seen else {
            return Err(mismatch(at));
        };
        match (self.0, value) {
            ("allow", _) | ("require", true) | ("forbid", false) => Ok(()),
            _ => Err(deny_unless_allowed(at, format!("{value} is not allowed"))),
        }
    }
}

impl Mode {
    pub(crate) const ENFORCE: Self = Self("enforce");

    /// Requests that the policy would deny are logged and still sent. Requests that the
    /// caller did not ask for, or that are not for the API, are denied even so.
    pub(crate) fn is_report(self) -> bool {
        self.0 == "report"
    }
}

impl Setting for Mode {
    fn is_within(self, ceiling: Self) -> bool {
        !self.is_report() || ceiling.is_report()
    }

    fn allows(self, _at: &At<'_>, _seen: Seen<'_>) -> Result<(), Denial> {
        Ok(())
    }
}

impl Confining {
    pub(crate) const BEST_EFFORT: Self = Self("best-effort");

    /// Whether it is an error where the kernel does not confine.
    pub(crate) fn is_required(self) -> bool {
        self.0 == "required"
    }
}

impl Setting for Confining {
    fn is_within(self, ceiling: Self) -> bool {
        self.is_required() || !ceiling.is_required()
    }

    fn allows(self, _at: &At<'_>, _seen: Seen<'_>) -> Result<(), Denial> {
        Ok(())
    }
}

/// The version of the format, which every file gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub(crate) struct Version(pub(crate) i64);

/// The only version of the format.
pub(crate) const VERSION: Version = Version(1);

impl Member for Version {
    type Given = Self;

    fn over(given: Self, base: &Self, _name: &str) -> Result<Self, Misfit> {
        if given == *base {
            return Ok(given);
        }
        let message = format!("version {} is not known; this is {}", given.0, base.0);
        Err(Misfit::new(message))
    }

    fn wider_than(&self, _ceiling: &Self, _path: &str) -> Option<String> {
        None
    }

    fn judge(&self, _at: &At<'_>, _seen: Seen<'_>) -> Result<(), Denial> {
        Ok(())
    }

    fn schema() -> Value {
        json!({ "const": VERSION.0 })
    }

    fn form() -> Form {
        Form::Value("`1`".into())
    }
}

/// Names of one kind, each of which is allowed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub(crate) struct Names<T>(pub(crate) Vec<T>);

/// A name of one kind.
pub(crate) trait Name: Clone + fmt::Debug + FromStr + PartialEq + DeserializeOwned {
    /// The name as text.
    fn text(&self) -> &str;

    /// The names that there are, where they are known.
    fn known() -> Vec<String> {
        Vec::new()
    }
}

impl Name for String {
    fn text(&self) -> &str {
        self
    }
}

impl Name for Operation {
    fn text(&self) -> &str {
        self.name()
    }

    fn known() -> Vec<String> {
        Self::ALL.iter().map(ToString::to_string).collect()
    }
}

impl Name for Scope {
    fn text(&self) -> &str {
        self.as_str()
    }
}

impl Name for Issuer {
    fn text(&self) -> &str {
        self.as_str()
    }
}

impl Name for Tag {
    fn text(&self) -> &str {
        self.as_str()
    }
}

choice! {
    /// A header that requests of tailmint have. No policy lets others be sent: what is
    /// sent is written by the host.
    Header: "accept" | "authorization" | "content-type" | "user-agent"
}

choice! {
    /// A member of the query of a request of tailmint.
    QueryName: "all"
}

choice! {
    /// What kind of key is created.
    KeyType: "auth"
}

choice! {
    /// A platform that tells a machine who it is.
    Source: "github" | "gcp" | "azure" | "fly"
}

impl<T: Choice + fmt::Debug + FromStr + PartialEq + DeserializeOwned> Name for T {
    fn text(&self) -> &str {
        self.word()
    }

    fn known() -> Vec<String> {
        Self::words()
    }
}

impl<T: Name> Names<T> {
    fn have(&self, name: &str) -> bool {
        self.0.iter().any(|it| it.text() == name)
    }
}

impl<T: Name> Member for Names<T> {
    type Given = Self;

    fn over(given: Self, _base: &Self, _name: &str) -> Result<Self, Misfit> {
        Ok(given)
    }

    fn wider_than(&self, ceiling: &Self, path: &str) -> Option<String> {
        unless_within(self.0.iter().all(|it| ceiling.0.contains(it)), path)
    }

    fn judge(&self, at: &At<'_>, seen: Seen<'_>) -> Result<(), Denial> {
        let names = match seen {
            Seen::SomeNames(names) if names.is_empty() => return Err(at.deny("there are none")),
            Seen::Names(names) | Seen::SomeNames(names) => names,
            _ => return Err(mismatch(at)),
        };
        let Some(name) = names.iter().find(|name| !self.have(name)) else {
            return Ok(());
        };
        let quoted = quoted(name.as_bytes());
        let reason = format!("{quoted} is not allowed");
        Err(if name.parse::<T>().is_ok() {
            at.deny_unless(reason, |path| format!("add {quoted} to {path}"))
        } else {
            // No policy can name it.
            at.deny(reason)
        })
    }

    fn schema() -> Value {
        let known = T::known();
        let item = if known.is_empty() {
            json!({ "type": "string" })
        } else {
            enumeration(known)
        };
        json!({ "type": "array", "items": item, "uniqueItems": true })
    }

    fn form() -> Form {
        Form::Value("a list of names".into())
    }
}

/// Patterns, each of which allows what it fits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub(crate) struct Patterns(pub(crate) Vec<Pattern>);

impl Patterns {
    fn fit(&self, text: &str) -> bool {
        self.0.iter().any(|it| it.fits(text))
    }
}

impl Member for Patterns {
    type Given = Self;

    fn over(given: Self, _base: &Self, _name: &str) -> Result<Self, Misfit> {
        Ok(given)
    }

    fn wider_than(&self, ceiling: &Self, path: &str) -> Option<String> {
        unless_within(self.0.iter().all(|it| ceiling.fit(it.as_str())), path)
    }

    /// What is seen may be a pattern too: one that fits it as a text fits all that it fits.
    fn judge(&self, at: &At<'_>, seen: Seen<'_>) -> Result<(), Denial> {
        let names = match seen {
            Seen::SomeNames(names) if names.is_empty() => return Err(at.deny("there are none")),
            Seen::SomeNames(names) => names,
            _ => return Err(mismatch(at)),
        };
        let Some(name) = names.iter().find(|name| !self.fit(name)) else {
            return Ok(());
        };
        let quoted = quoted(name.as_bytes());
        let reason = format!("{quoted} is not allowed");
        Err(if name.parse::<Pattern>().is_ok() {
            at.deny_unless(reason, |path| format!("add {quoted} to {path}"))
        } else {
            // No policy can name it.
            at.deny(reason)
        })
    }

    fn schema() -> Value {
        json!({ "type": "array", "items": { "type": "string" }, "uniqueItems": true })
    }

    fn form() -> Form {
        Form::Value("a list of patterns, in which `*` stands for any characters".into())
    }
}

/// The addresses of Vaults that OAuth clients may be delivered to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub(crate) struct Addresses(pub(crate) Vec<VaultAddress>);

impl Member for Addresses {
    type Given = Self;

    fn over(given: Self, _base: &Self, _name: &str) -> Result<Self, Misfit> {
        Ok(given)
    }

    fn wider_than(&self, ceiling: &Self, path: &str) -> Option<String> {
        unless_within(self.0.iter().all(|it| ceiling.0.contains(it)), path)
    }

    fn judge(&self, at: &At<'_>, seen: Seen<'_>) -> Result<(), Denial> {
        let Seen::Vault(address) = seen else {
            return Err(mismatch(at));
        };
        if self.0.contains(address) {
            return Ok(());
        }
        let remedy = |path| format!("add \"{address}\" to {path}");
        Err(at.deny_unless(format!("{address} is not allowed"), remedy))
    }

    fn schema() -> Value {
        json!({ "type": "array", "items": { "type": "string", "pattern": "^https://" } })
    }

    fn form() -> Form {
        Form::Value("a list of addresses, such as `\"https://vault.example.com:8200\"`".into())
    }
}

/// Hosts: names, and all names below one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub(crate) struct Hosts(Vec<HostPattern>);

/// A name in lower case, or `*.` and one, for all names below it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String")]
struct HostPattern(String);

/// The most that a name has (RFC 1035, 2.3.4).
const MAX_HOST_BYTES: usize = 253;

impl TryFrom<String> for HostPattern {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let name = text.strip_prefix("*.").unwrap_or(&text);
        let is_of_label =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        let is_label = |label: &str| !label.is_empty() && label.bytes().all(is_of_label);
        if name.len() <= MAX_HOST_BYTES && name.split('.').all(is_label) {
            Ok(Self(text))
        } else {
            Err("give a host's name in lower case, such as \"*.example.com\"")
        }
    }
}

impl HostPattern {
    /// Whether it stands for this name, or for all that another pattern stands for. The
    /// `*` of that is a label like any other.
    fn covers(&self, name: &str) -> bool {
        match self.0.strip_prefix('*') {
            // With the dot, so that `*.example.com` does not cover `notexample.com`.
            Some(end) => name.len() > end.len() && name.ends_with(end),
            None => self.0 == name,
        }
    }
}

impl Hosts {
    /// One pattern, which is known to be one.
    pub(crate) fn of(pattern: &str) -> Self {
        Self(vec![HostPattern(pattern.to_owned())])
    }

    fn cover(&self, name: &str) -> bool {
        self.0.iter().any(|pattern| pattern.covers(name))
    }
}

impl Member for Hosts {
    type Given = Self;

    fn over(given: Self, _base: &Self, _name: &str) -> Result<Self, Misfit> {
        Ok(given)
    }

    fn wider_than(&self, ceiling: &Self, path: &str) -> Option<String> {
        unless_within(self.0.iter().all(|it| ceiling.cover(&it.0)), path)
    }

    fn judge(&self, at: &At<'_>, seen: Seen<'_>) -> Result<(), Denial> {
        let Seen::Names(names) = seen else {
            return Err(mismatch(at));
        };
        let Some(name) = names.iter().find(|name| !self.cover(name)) else {
            return Ok(());
        };
        let quoted = quoted(name.as_bytes());
        let reason = format!("{quoted} is not allowed");
        Err(match HostPattern::try_from(name.clone().into_owned()) {
            Ok(_) => at.deny_unless(reason, |path| format!("add {quoted} to {path}")),
            Err(_) => at.deny(reason),
        })
    }

    fn schema() -> Value {
        let pattern = "^(\\*\\.)?[a-z0-9_-]+(\\.[a-z0-9_-]+)*$";
        json!({ "type": "array", "items": { "type": "string", "pattern": pattern } })
    }

    fn form() -> Form {
        Form::Value("a list of hosts, such as `\"*.example.com\"`".into())
    }
}

/// The most that is allowed of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub(crate) struct Most<T>(pub(crate) T);

/// A number that can be the most of something.
pub(crate) trait Amount: Copy + fmt::Debug + PartialEq + DeserializeOwned {
    /// The least that is not too little.
    const LEAST: u64;
    /// How it is written.
    const FORM: &'static str;

    fn number(self) -> u64;

    /// The amount as the file writes it; `None` where no file can.
    fn written(number: u64) -> Option<String>;

    fn schema() -> Value;
}

impl Amount for usize {
    const LEAST: u64 = 0;
    const FORM: &'static str = "a number";

    fn number(self) -> u64 {
        self as u64
    }

    fn written(number: u64) -> Option<String> {
        Some(number.to_string())
    }

    fn schema() -> Value {
        json!({ "type": "integer", "minimum": 0 })
    }
}

impl Amount for Expiry {
    const LEAST: u64 = 1;
    const FORM: &'static str = "a duration, such as `\"10m\"`";

    fn number(self) -> u64 {
        self.as_secs().into()
    }

    fn written(number: u64) -> Option<String> {
        let expiry = number.to_string().parse::<Self>().ok()?;
        Some(format!("\"{expiry}\""))
    }

    fn schema() -> Value {
        json!({ "type": "string", "examples": ["10m", "1h"] })
    }
}

impl<T: Amount> Member for Most<T> {
    type Given = Self;

    fn over(given: Self, _base: &Self, _name: &str) -> Result<Self, Misfit> {
        Ok(given)
    }

    fn wider_than(&self, ceiling: &Self, path: &str) -> Option<String> {
        unless_within(self.0.number() <= ceiling.0.number(), path)
    }

    fn judge(&self, at: &At<'_>, seen: Seen<'_>) -> Result<(), Denial> {
        let Seen::Number(number, unit) = seen else {
            return Err(mismatch(at));
        };
        let Some(number) = number else {
            return Err(at.deny("there is no number"));
        };
        if number < T::LEAST {
            return Err(at.deny(format!("{number} {unit} are too few")));
        }
        if number <= self.0.number() {
            return Ok(());
        }
        let most = T::written(self.0.number()).unwrap_or_default();
        let reason = format!("{number} {unit} are more than {}", most.trim_matches('"'));
        Err(match T::written(number) {
            Some(wanted) => at.deny_unless(reason, |path| format!("set {path} to {wanted}")),
            None => at.deny(reason),
        })
    }

    fn schema() -> Value {
        T::schema()
    }

    fn form() -> Form {
        Form::Value(T::FORM.into())
    }
}

/// A text that is the same in every policy: it says what the rule is about.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub(crate) struct Fixed(pub(crate) String);

impl Member for Fixed {
    type Given = Self;

    fn over(given: Self, base: &Self, name: &str) -> Result<Self, Misfit> {
        if given == *base {
            return Ok(given);
        }
        let message = format!("the {name} of this rule is {:?}, and no other", base.0);
        Err(Misfit::new(message))
    }

    fn wider_than(&self, ceiling: &Self, path: &str) -> Option<String> {
        unless_within(self == ceiling, path)
    }

    fn judge(&self, at: &At<'_>, seen: Seen<'_>) -> Result<(), Denial> {
        match seen {
            Seen::Nothing(()) => Ok(()),
            Seen::Text(text) if text.is_none_or(|text| text == self.0) => Ok(()),
            Seen::Text(text) => Err(at.unexpected(text.unwrap_or_default())),
            _ => Err(mismatch(at)),
        }
    }

    fn schema() -> Value {
        json!({ "type": "string" })
    }

    fn form() -> Form {
        Form::Value("a text that no file changes".into())
    }
}

/// The digests of components that may run instead of the built-in one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub(crate) struct Pins(pub(crate) Vec<Sha256>);

/// A digest, in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String")]
pub(crate) struct Sha256(String);

impl TryFrom<String> for Sha256 {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == 64 && text.bytes().all(is_hex) {
            Ok(Self(text))
        } else {
            Err("a digest has 64 hexadecimal digits, in lower case")
        }
    }
}

impl Member for Pins {
    type Given = Self;

    fn over(given: Self, _base: &Self, _name: &str) -> Result<Self, Misfit> {
        Ok(given)
    }

    /// No pin stands for the built-in component: a policy has the same pins, or some of
    /// those that the ceiling has.
    fn wider_than(&self, ceiling: &Self, path: &str) -> Option<String> {
        let some = !self.0.is_empty() && self.0.iter().all(|it| ceiling.0.contains(it));
        unless_within(self == ceiling || some, path)
    }

    fn judge(&self, at: &At<'_>, seen: Seen<'_>) -> Result<(), Denial> {
        let Seen::Component(component) = seen else {
            return Err(mismatch(at));
        };
        let pinned = self.0.iter().any(|pin| pin.0 == component.digest);
        if pinned || (component.is_built_in && self.0.is_empty()) {
            return Ok(());
        }
        let digest = component.digest;
        let remedy = |path| format!("add \"{digest}\" to {path}");
        Err(at.deny_unless(format!("{digest} is not pinned"), remedy))
    }

    fn schema() -> Value {
        json!({ "type": "array", "items": { "type": "string", "pattern": "^[0-9a-f]{64}$" } })
    }

    fn form() -> Form {
        Form::Value("a list of SHA-256 digests".into())
    }
}

/// A member that some rules do not have: what is not in the built-in policy is in none.
impl<M: Member> Member for Option<M> {
    type Given = M::Given;

    fn over(given: M::Given, base: &Self, name: &str) -> Result<Self, Misfit> {
        match base {
            Some(base) => M::over(given, base, name).map(Some),
            None => Err(Misfit::new(format!("this rule has no member `{name}`"))),
        }
    }

    fn wider_than(&self, ceiling: &Self, path: &str) -> Option<String> {
        match (self, ceiling) {
            (Some(own), Some(ceiling)) => own.wider_than(ceiling, path),
            (own, ceiling) => unless_within(own == ceiling, path),
        }
    }

    fn judge(&self, at: &At<'_>, seen: Seen<'_>) -> Result<(), Denial> {
        match (self, seen) {
            (Some(own), seen) => own.judge(at, seen),
            (None, Seen::Text(Some(text))) => Err(at.unexpected(text)),
            (None, Seen::Names(names) | Seen::SomeNames(names)) => match names.first() {
                Some(name) => Err(at.unexpected(name)),
                None => Ok(()),
            },
            // A rule without such a section has no body either.
            (None, _) => Ok(()),
        }
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }

    fn schema() -> Value {
        M::schema()
    }

    fn form() -> Form {
        M::form()
    }
}

/// The schema of a table with these members.
pub(crate) fn object(docs: &str, members: Vec<MemberDoc>) -> Value {
    let properties: Map<_, _> = members
        .into_iter()
        .map(|member| {
            let mut schema = member.schema;
            schema["description"] = json!(member.docs);
            (member.name, schema)
        })
        .collect();
    json!({
        "type": "object",
        "description": docs,
        "additionalProperties": false,
        "properties": properties,
    })
}

/// The path of a member as it is written.
pub(crate) fn join(section: &str, member: &str) -> String {
    let member = member.replace('_', "-");
    if section.is_empty() {
        member
    } else {
        format!("{section}.{member}")
    }
}

/// Whether the rule has no such member.
pub(crate) fn is_absent<M: crate::member::Member>(member: &M) -> bool {
    member.is_absent()
}

/// A table of the policy with its members.
///
/// A line says all there is to say of a member: its documentation, its name, its kind,
/// the part of a request that it is about, what of it is seen, and where a change of the
/// policy would not help, so. The type, the file with absent members, how they are
/// inherited, the comparison with the ceiling, the judgement, the JSON schema and the
/// reference page all follow from it.
macro_rules! section {
    (
        $(#[doc = $docs:literal])+
        $name:ident, $given:ident, $seen:ident($facts:pat) {$(
            $(#[doc = $member_docs:literal])+
            $member:ident: $kind:ty = $part:expr => $value:expr $(; remedy if $remedy:expr)?,
        )+}
    ) => {
        $(#[doc = $docs])+
        #[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
        #[serde(deny_unknown_fields, rename_all = "kebab-case")]
        pub(crate) struct $name {$(
            $(#[doc = $member_docs])+
            #[serde(skip_serializing_if = "crate::section::is_absent")]
            pub(crate) $member: $kind,
        )+}

        /// The same as a file has it: absent members are inherited.
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "kebab-case")]
        pub(crate) struct $given {$(
            pub(crate) $member:
                Option<toml::Spanned<<$kind as crate::member::Member>::Given>>,
        )+}

        impl crate::member::Member for $name {
            type Given = $given;

            fn over(
                given: $given,
                base: &Self,
                _name: &str,
            ) -> Result<Self, crate::member::Misfit> {
                Ok(Self {$(
                    $member: match given.$member {
                        None => base.$member.clone(),
                        Some(given) => {
                            let span = given.span();
                            let name = crate::section::join("", stringify!($member));
                            crate::member::Member::over(given.into_inner(), &base.$member, &name)
                                .map_err(|misfit| misfit.within(span))?
                        }
                    },
                )+})
            }

            fn wider_than(&self, ceiling: &Self, path: &str) -> Option<String> {
                None$(.or_else(|| {
                    let path = crate::section::join(path, stringify!($member));
                    self.$member.wider_than(&ceiling.$member, &path)
                }))+
            }

            fn judge(
                &self,
                at: &crate::member::At<'_>,
                seen: crate::seen::Seen<'_>,
            ) -> Result<(), tailmint_core::Denial> {
                let crate::seen::Seen::$seen($facts) = seen else {
                    return Err(crate::member::mismatch(at));
                };
                $({
                    #[allow(unused_mut, unused_assignments, reason = "most have a remedy")]
                    let mut has_remedy = true;
                    $(has_remedy = $remedy;)?
                    let at = crate::member::At {
                        section: Some(at),
                        name: stringify!($member),
                        part: $part,
                        has_remedy,
                    };
                    self.$member.judge(&at, $value)?;
                })+
                Ok(())
            }

            fn schema() -> serde_json::Value {
                let crate::member::Form::Section(members) = Self::form() else {
                    unreachable!("a section is one");
                };
                crate::member::object(concat!($($docs),+).trim(), members)
            }

            fn form() -> crate::member::Form {
                crate::member::Form::Section(vec![$(
                    crate::member::MemberDoc {
                        name: crate::section::join("", stringify!($member)),
                        docs: concat!($($member_docs),+).trim(),
                        form: <$kind as crate::member::Member>::form(),
                        schema: <$kind as crate::member::Member>::schema(),
                    },
                )+])
            }
        }
    };
}

pub(crate) use section;

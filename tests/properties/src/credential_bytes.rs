use tailmint_operator::credentials::{Kind, Value};

/// The content of a credential file: what is taken is one printable word, and
/// taking it again changes nothing.
pub fn credential_bytes(input: &[u8]) {
    for kind in [Kind::ApiKey, Kind::ClientId, Kind::ClientSecret] {
        match kind.judge(input) {
            Ok(value) => {
                let bare = Value {
                    was_wrapped: false,
                    ..value
                };
                let text = bare.text.as_bytes();
                assert!(!text.is_empty() && text.iter().all(u8::is_ascii_graphic));
                assert_eq!(kind.judge(text), Ok(bare.clone()));
                for end in ["\n", "\r\n", " ", "\t\n\n"] {
                    let more = [text, end.as_bytes()].concat();
                    assert_eq!(kind.judge(&more), Ok(bare.clone()));
                }
                for around in ["\"", "'", " ' "] {
                    let more = [around.as_bytes(), text, around.as_bytes()].concat();
                    assert_eq!(kind.judge(&more).map(|it| it.text), Ok(bare.text.clone()));
                }
            }
            Err(wrong) => {
                // Nothing of it is told, of which eight characters would be some.
                let told = format!("{wrong} {wrong:?}");
                for window in input.windows(8).filter(|it| it.is_ascii()) {
                    let part = String::from_utf8_lossy(window);
                    let is_word = part.bytes().all(|byte| byte.is_ascii_alphanumeric());
                    assert!(!is_word || !told.contains(&*part), "{told}");
                }
            }
        }
    }
}

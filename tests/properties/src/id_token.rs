use jiff::Timestamp;
use tailmint_operator::identity::{IdToken, judge};

/// The parts of tokens that nothing may repeat: shorter ones may be words.
const WINDOW: usize = 16;

/// An identity token of a platform, or what is in its place: what is taken is one word of
/// three parts, reading it again changes nothing, and judging it ends at any time.
pub fn id_token(input: &[u8]) {
    let token = match IdToken::read(input) {
        Ok(token) => token,
        Err(error) => {
            assert_untold(input, &format!("{error} {error:?}"));
            return;
        }
    };
    let text = token.text().expose_secret();
    assert_eq!(text.as_bytes(), input.trim_ascii());
    assert!(text.len() <= IdToken::MAX_BYTES);
    let is_of_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let parts: Vec<_> = text.split('.').collect();
    assert_eq!(parts.len(), 3);
    let mut parts = parts.iter();
    assert!(parts.all(|part| !part.is_empty() && part.bytes().all(is_of_part)));
    let algorithm = token.algorithm().to_uppercase();
    assert!(
        algorithm != "NONE" && !algorithm.starts_with("HS"),
        "{algorithm}"
    );
    let again = IdToken::read(format!("\n{text}\r\n").as_bytes()).unwrap();
    assert_eq!(shown(&again), shown(&token));
    assert_untold(input, &format!("{token:?}"));
    for now in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX] {
        let unfit = judge(&token, "api.tailscale.com/k1CNTRL", now);
        let unfit: Vec<_> = unfit.iter().map(ToString::to_string).collect();
        let is_line = |line: &str| !line.contains(char::is_control);
        assert!(unfit.iter().all(|line| is_line(line)), "{unfit:?}");
        assert_untold(input, &unfit.join(" "));
    }
}

fn shown(token: &IdToken) -> String {
    format!(
        "{:?} {:?} {:?} {:?} {:?} {:?} {} {:?}",
        token.issuer(),
        token.subject(),
        token.audiences(),
        token.expires(),
        token.not_before(),
        token.issued(),
        token.algorithm(),
        token.key_id(),
    )
}

fn assert_untold(input: &[u8], told: &str) {
    for window in input.windows(WINDOW) {
        let is_word = window.iter().all(u8::is_ascii_alphanumeric);
        let part = String::from_utf8_lossy(window);
        assert!(!is_word || !told.contains(&*part), "{told}");
    }
}

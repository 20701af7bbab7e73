use std::sync::LazyLock;

use tailmint::{connection::Proxy, internals};
use tokio::runtime::{Builder, Runtime};

use super::shown::{hides, shown};

const PASSWORD: &str = "correct-horse-battery-staple";

static PROXY: LazyLock<Proxy> = LazyLock::new(|| {
    let url = format!("http://user:{PASSWORD}@proxy:3128");
    url.parse().expect("the URL of a proxy")
});

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
}

/// What a proxy responds to CONNECT: it made a connection only where it says 200, however
/// its words are cut; and what is told of it has no password.
pub fn proxy_response(input: &[u8]) {
    let connect = |step| {
        let asked = internals::proxy_response(&PROXY, input.to_vec(), step);
        RUNTIME.with(|runtime| runtime.block_on(asked))
    };
    let connected = connect(usize::MAX);
    assert_eq!(connected, connect(7));
    match connected {
        Ok(()) => {
            let head = input.trim_ascii_start();
            assert!(head.starts_with(b"HTTP/1.0 200") || head.starts_with(b"HTTP/1.1 200"));
        }
        Err(failure) => {
            let told = failure.to_string();
            shown(&told);
            hides(&told, PASSWORD);
            assert!(!failure.may_have_arrived());
        }
    }
}

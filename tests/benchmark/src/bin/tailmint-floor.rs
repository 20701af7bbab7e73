//! The floor: mints as tailmint does, without a sandbox, a policy, seals or an audit.
//!
//! usage: tailmint-floor `SECRETS_DIR` `HOST:PORT` `CA_FILE`

use std::{env, error::Error, fs, path::Path};

use tailmint_benchmark::native::Native;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().collect();
    let [_, secrets, to, ca] = arguments.as_slice() else {
        return Err("give SECRETS_DIR HOST:PORT CA_FILE".into());
    };
    let read = |name: &str| -> Result<String, Box<dyn Error>> {
        let text = fs::read_to_string(Path::new(secrets).join(name))?;
        Ok(text.trim_end().to_owned())
    };
    let id = read("tailscale-oauth-client-id")?;
    let secret = read("tailscale-oauth-client-secret")?;
    let minted = Native::connect(to, ca)?.mint(&id, &secret)?;
    println!("{}", minted.key);
    Ok(())
}

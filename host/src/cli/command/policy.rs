use std::process::ExitCode;

use http::{HeaderName, HeaderValue, Request};
use serde_json::json;
use tailmint::{Class, Environment, Operation};

use crate::cli::{
    arguments::{Global, Policy, PolicyCommand},
    failure::Failure,
    print,
};

pub(in crate::cli) fn policy(global: &Global, policy: &Policy) -> Result<ExitCode, Failure> {
    match &policy.command {
        PolicyCommand::Show => {
            let policy = effective(global)?;
            print::written(policy.to_toml().trim_end())?;
            Ok(ExitCode::SUCCESS)
        }
        PolicyCommand::Check { file } => {
            tailmint::Policy::check_file(file)?;
            // By itself it is one; it also has to keep within the ceiling.
            tailmint::Policy::load(Some(file), &Environment::of_process())?;
            print::written(&format!("{} is a policy", file.display()))?;
            Ok(ExitCode::SUCCESS)
        }
        PolicyCommand::Explain {
            operation,
            method,
            url,
            headers,
            body,
        } => {
            let request = request(method, url, headers, body)?;
            explain(global, *operation, request)
        }
    }
}

fn effective(global: &Global) -> Result<tailmint::Policy, Failure> {
    let environment = Environment::of_process();
    Ok(tailmint::Policy::load(
        global.policy.as_deref(),
        &environment,
    )?)
}

/// Says what would be decided. The exit status is 0 where the request would
/// leave, and that of a refusal where not.
fn explain(
    global: &Global,
    operation: Operation,
    request: Request<Vec<u8>>,
) -> Result<ExitCode, Failure> {
    let explained = effective(global)?.explain(operation, request);
    let decision = &explained.decision;
    let refusal = decision.refusal.as_ref().or(decision.reported.as_ref());
    if global.json {
        print::written(
            &json!({
                "rule": decision.rule,
                "allowed": decision.allows(),
                "member": refusal.map(|it| &it.member),
                "reason": refusal.map(|it| &it.reason),
                "remedy": refusal.and_then(|it| it.remedy.as_ref()),
            })
            .to_string(),
        )?;
    } else {
        let verdict = match (&decision.refusal, &decision.reported) {
            (Some(_), _) => "refused",
            (None, Some(_)) => "reported, and allowed",
            (None, None) => "allowed",
        };
        print::written(&format!("{verdict} by rule {}", decision.rule))?;
        if let Some(refusal) = refusal {
            print::written(&format!("{refusal}"))?;
            print::written(match &refusal.remedy {
                Some(remedy) => remedy,
                None => "no policy can allow it",
            })?;
        }
    }
    Ok(if decision.allows() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(Class::Denied.exit_code())
    })
}

fn request(
    method: &str,
    url: &str,
    headers: &[String],
    body: &str,
) -> Result<Request<Vec<u8>>, Failure> {
    let usage = |what: String, hint: &str| Failure::new(Class::Usage, what, Some(hint.to_owned()));
    let mut request = Request::builder().method(method).uri(url);
    for header in headers {
        let parsed = header.split_once(':').and_then(|(name, value)| {
            let name: HeaderName = name.trim().parse().ok()?;
            let value: HeaderValue = value.trim().parse().ok()?;
            Some((name, value))
        });
        let (name, value) = parsed
            .ok_or_else(|| usage(format!("{header:?} is not a header"), "give NAME: VALUE"))?;
        request = request.header(name, value);
    }
    request.body(body.as_bytes().to_vec()).map_err(|error| {
        usage(
            format!("this is not a request: {error}"),
            "give a method and a URL, such as GET https://api.tailscale.com/",
        )
    })
}

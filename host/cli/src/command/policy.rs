use std::process::ExitCode;

use http::{HeaderName, HeaderValue, Request};
use serde_json::json;
use tailmint::Class;
use tailmint_api::Operation;
use tailmint_operator::environment_of_process;
use tailmint_operator::policy_file;

use crate::{
    arguments::{Global, Policy, PolicyCommand},
    failure::Failure,
    print,
};

pub(crate) fn policy(global: &Global, policy: &Policy) -> Result<ExitCode, Failure> {
    match &policy.command {
        PolicyCommand::Show => {
            let policy = effective(global)?;
            print::written(policy.to_toml().trim_end())?;
            Ok(ExitCode::SUCCESS)
        }
        PolicyCommand::Schema => {
            print::written(tailmint::policy::schema().trim_end())?;
            Ok(ExitCode::SUCCESS)
        }
        PolicyCommand::Check { file } => {
            let environment = environment_of_process();
            policy_file::check(file, &environment)?;
            // By itself it is one; it also has to keep within the ceiling.
            policy_file::load(Some(file), &environment)?;
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

fn effective(global: &Global) -> Result<tailmint::policy::Policy, Failure> {
    let environment = environment_of_process();
    Ok(policy_file::load(global.policy.as_deref(), &environment)?)
}

/// Says what would be decided. The exit status is 0 where the request would
/// be sent, and that of a denial where not.
fn explain(
    global: &Global,
    operation: Operation,
    request: Request<Vec<u8>>,
) -> Result<ExitCode, Failure> {
    let explained = effective(global)?.explain(operation, request);
    let decision = &explained.decision;
    let denial = decision.denial.as_ref().or(decision.reported.as_ref());
    if global.json {
        print::written(
            &json!({
                "rule": decision.rule,
                "allowed": decision.allows(),
                "member": denial.map(|it| &it.member),
                "reason": denial.map(|it| &it.reason),
                "remedy": denial.and_then(|it| it.remedy.as_ref()),
            })
            .to_string(),
        )?;
    } else {
        let verdict = match (&decision.denial, &decision.reported) {
            (Some(_), _) => "denied",
            (None, Some(_)) => "reported, and allowed",
            (None, None) => "allowed",
        };
        print::written(&format!("{verdict} by rule {}", decision.rule))?;
        if let Some(denial) = denial {
            print::written(&format!("{denial}"))?;
            print::written(match &denial.remedy {
                Some(remedy) => remedy,
                None => "no policy can allow it",
            })?;
        }
    }
    Ok(if decision.allows() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(Class::Denied.exit_status())
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

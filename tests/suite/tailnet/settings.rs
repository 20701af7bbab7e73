//! The settings of a machine, with the real `tailscale`.

use serde_json::Value;

use super::{
    Node, Tailnet,
    join::{NOBODY, up_as},
    namespace::{in_namespace, is_really_root},
};

impl Node {
    fn prefs(&self) -> Value {
        let output = self.tailscale(&["debug", "prefs"]);
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

#[test]
fn a_running_node_gets_its_settings_without_a_key() {
    in_namespace(|programs| {
        let tailnet = Tailnet::new(programs);
        let node = tailnet.node("a");
        tailnet.assert_joined(&node, &tailnet.up(&node, &[], &[]));
        assert_eq!(node.prefs()["RouteAll"], false);
        let ran = tailnet.up(&node, &[], &["--accept-routes"]);
        tailnet.assert_joined(&node, &ran);
        assert!(ran.stdout.contains("has the settings"), "{}", ran.stdout);
        assert_eq!(node.prefs()["RouteAll"], true);
        assert_eq!(tailnet.world.simulator.keys().len(), 1);
    });
}

#[test]
fn settings_that_were_not_repeated_cost_no_key() {
    in_namespace(|programs| {
        let tailnet = Tailnet::new(programs);
        let node = tailnet.node("a");
        tailnet.assert_joined(&node, &tailnet.up(&node, &[], &["--accept-routes"]));
        for flags in [&[][..], &["--force"]] {
            let ran = tailnet.up(&node, flags, &[]);
            assert_eq!(ran.code, 21, "{}", ran.stderr);
            assert!(ran.stderr.contains("--accept-routes"), "{}", ran.stderr);
            assert!(!ran.stderr.contains("revoked"), "{}", ran.stderr);
        }
        assert_eq!(tailnet.world.simulator.keys().len(), 1);
        assert_eq!(node.prefs()["RouteAll"], true);
        // The rehearsal for the second try changed nothing.
        assert_eq!(node.state(), "Running");
    });
}

#[test]
fn the_operator_is_kept_where_the_environment_names_no_user() {
    in_namespace(|programs| {
        if !is_really_root() {
            return;
        }
        let tailnet = Tailnet::new(programs);
        let node = tailnet.node("a");
        assert!(
            node.tailscale(&["set", "--operator=nobody"])
                .status
                .success()
        );
        let ran = up_as(&tailnet, &node, NOBODY);
        tailnet.assert_joined(&node, &ran);
        assert_eq!(node.prefs()["OperatorUser"], "nobody");
    });
}

#[test]
fn a_name_that_was_taken_is_warned_of() {
    in_namespace(|programs| {
        let tailnet = Tailnet::new(programs);
        let (first, second) = (tailnet.node("a"), tailnet.node("b"));
        tailnet.assert_joined(&first, &tailnet.up(&first, &[], &[]));
        let ran = tailnet
            .bare_up(&second, &["--hostname=a"])
            .arg("--")
            .arg(format!("--login-server={}", tailnet.control.url))
            .run();
        tailnet.assert_joined(&second, &ran);
        assert_eq!(
            ran.stderr,
            "warning: the name a was taken: the machine is a-1.tailnet.invalid\n"
        );
    });
}

//! Tailscale's own software: `tailscale` and `tailscaled` join a tailnet on
//! loopback, and Tailscale's API clients drive the simulator.
//!
//! Each test has a network namespace of its own with nothing but `lo` in it, so
//! that nothing can leave, and several can run side by side.

mod clients;
mod container;
mod control;
mod federated;
mod join;
mod namespace;
mod node;
mod over_ssh;
mod programs;
mod refusals;
mod settings;

use control::Control;
#[cfg(feature = "compiler")]
pub(crate) use namespace::beside_the_api;
pub(crate) use namespace::{in_mount_namespace, in_network_namespace, is_really_root};
use node::Node;
use programs::Programs;

use crate::{case::Case, ran::Ran, world::World};

/// A tailnet: the simulated API, a control server that asks it about keys, and
/// programs to join it with.
struct Tailnet {
    world: World,
    control: Control,
    programs: Programs,
}

impl Tailnet {
    fn new(programs: Programs) -> Self {
        let world = World::new();
        let control = Control::start(&programs, &world);
        Self {
            world,
            control,
            programs,
        }
    }

    /// A fresh daemon that nobody is logged in to.
    fn node(&self, name: &str) -> Node {
        Node::start(&self.programs, &self.world, name)
    }

    /// `tailmint up` on the node, with flags of its own, and arguments for
    /// `tailscale up` beside the control server and the node's name.
    fn up(&self, node: &Node, flags: &[&str], arguments: &[&str]) -> Ran {
        self.bare_up(node, flags)
            .arg("--")
            .arg(format!("--login-server={}", self.control.url))
            .arg(format!("--hostname={}", node.name))
            .args(arguments)
            .run()
    }

    /// The same with no arguments for `tailscale up`.
    fn bare_up(&self, node: &Node, flags: &[&str]) -> Case<'_> {
        self.world
            .tailmint(&["up", "--tailscale"])
            .arg(self.programs.tailscale())
            .arg("--socket")
            .arg(node.socket())
            .args(flags)
    }

    /// The node is in with the tag, and no key is anywhere where it does not
    /// belong: not in the daemon's state, nor its log, nor any other file.
    fn assert_joined(&self, node: &Node, ran: &Ran) {
        assert_eq!(ran.code, 0, "{}\n{}", ran.stderr, node.log());
        let status = node.status();
        assert_eq!(status["BackendState"], "Running");
        assert_eq!(status["Self"]["Tags"], serde_json::json!(["tag:tazpod"]));
        self.assert_no_key_on_disk();
    }

    fn assert_no_key_on_disk(&self) {
        fn search(world: &World, directory: &std::path::Path) {
            for entry in std::fs::read_dir(directory).unwrap() {
                let entry = entry.unwrap();
                let kind = entry.file_type().unwrap();
                if kind.is_dir() {
                    search(world, &entry.path());
                } else if kind.is_file() {
                    let text = std::fs::read(entry.path()).unwrap();
                    for key in world.simulator.keys() {
                        let place = entry.path();
                        assert!(
                            !crate::world::holds(&text, &key.key),
                            "a key in {}",
                            place.display()
                        );
                    }
                }
            }
        }
        search(&self.world, self.world.path());
    }
}

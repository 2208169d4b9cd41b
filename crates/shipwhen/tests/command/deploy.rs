//! The files to start from, held against the command: there is no container engine where tests run.

use std::collections::BTreeSet;

use crate::house::{Done, House, Server, shipwhen};

const COMPOSE: &str = include_str!("../../../../deploy/compose.yaml");
const CONTAINER: &str = include_str!("../../../../deploy/Containerfile");
const BALANCER: &str = include_str!("../../../../deploy/haproxy.cfg");
const UNIT: &str = include_str!("../../../../deploy/shipwhen.service");

/// Every setting that a text names.
fn settings(text: &str) -> BTreeSet<&str> {
    let letter = |c: char| c.is_ascii_uppercase() || c == '_';
    let from = text.match_indices("SHIPWHEN_").map(|(at, _)| &text[at..]);
    from.map(|rest| &rest[..rest.find(|c| !letter(c)).unwrap_or(rest.len())]).collect()
}

/// What the compose file gives each node, as far as it says so itself.
fn environment() -> Vec<(&'static str, &'static str)> {
    let block = COMPOSE.split_once("  node1: &node\n").unwrap().1.split_once("    depends_on:").unwrap().0;
    let lines = block.lines().filter_map(|line| line.strip_prefix("      SHIPWHEN_"));
    let pairs = lines.map(|line| line.split_once(": ").unwrap());
    pairs.map(|(name, value)| (name, value.trim_matches('"'))).collect()
}

#[test]
fn every_setting_in_the_files_is_one_of_the_command() {
    let help = Done::of(shipwhen().args(["serve", "--help"]).output().unwrap());
    let known = settings(&help.out);
    for (file, text) in [("compose", COMPOSE), ("container", CONTAINER), ("unit", UNIT)] {
        let named = settings(text);
        assert!(named.len() > 1, "{file}: {named:?}");
        assert!(named.is_subset(&known), "{file}: {:?}", named.difference(&known));
    }
}

#[test]
fn a_node_starts_with_what_the_compose_file_gives_it() {
    let house = House::new();
    let given = environment();
    assert_eq!(given.len(), 5, "{given:?}");
    let mut command = house.command(&["serve", "--listen", "127.0.0.1:0"]);
    for (name, value) in given.iter().filter(|(name, _)| !["STORE", "LISTEN"].contains(name)) {
        // A value from outside stands with what is taken where there is none.
        let value = value.rsplit_once(":-").map_or(*value, |(_, otherwise)| otherwise.trim_end_matches('}'));
        command.env(format!("SHIPWHEN_{name}"), value);
    }
    let server = Server::start(command);
    assert_eq!(server.client("").get("/readyz").status, 200);
    // The balancer asks every second, and looks elsewhere after two refusals: before a node is gone.
    let drain: u32 = given.iter().find(|(name, _)| *name == "DRAIN_SECONDS").unwrap().1.parse().unwrap();
    assert!(drain > 2 && BALANCER.contains("check inter 1s fall 2"), "{drain}");
    assert!(server.kill().code().is_none());
}

#[test]
fn names_and_ports_are_the_same_in_all_files() {
    let port = CONTAINER.split_once("EXPOSE ").unwrap().1.lines().next().unwrap();
    let listen = format!("SHIPWHEN_LISTEN: 0.0.0.0:{port}");
    assert!(COMPOSE.contains(&listen) && CONTAINER.contains(&listen.replace(": ", "=")));
    let nodes: Vec<&str> =
        BALANCER.lines().filter_map(|line| line.trim().strip_prefix("server ")?.split(' ').nth(1)).collect();
    assert_eq!(nodes, [format!("node1:{port}"), format!("node2:{port}")]);
    for service in ["database", "node1", "node2", "balancer"] {
        assert!(COMPOSE.contains(&format!("\n  {service}:")), "{service}");
    }
    assert!(BALANCER.contains("httpchk GET /readyz") && BALANCER.contains("bind :8080"));
    assert!(COMPOSE.contains("./haproxy.cfg:/usr/local/etc/haproxy/haproxy.cfg"));
    assert!(UNIT.contains("ExecStart=/usr/local/bin/shipwhen serve\n"));
    assert!(CONTAINER.contains("/usr/local/bin/shipwhen\n") && CONTAINER.contains("CMD [\"serve\"]"));
}

//! Which actors share a place in the queue for connections, and the spelling of areas and networks.

use uuid::Uuid;

use super::{Actor, Area, Identity, Origin};

fn from(address: &str) -> Origin {
    Origin { address: Some(address.parse().unwrap()), request: None }
}

fn user(id: u128, session: u128, address: &str) -> Actor {
    let identity = Identity::User { id: Uuid::from_u128(id), session: Uuid::from_u128(session) };
    Actor { identity, ..Actor::anonymous(from(address)) }
}

#[test]
fn the_statements_of_one_account_or_address_wait_together() {
    let party = |actor: Actor| actor.party();
    assert_eq!(party(user(1, 1, "1.1.1.1")), party(user(1, 2, "2.2.2.2")), "sessions of an account");
    assert_ne!(party(user(1, 1, "1.1.1.1")), party(user(2, 1, "1.1.1.1")), "two accounts");
    let visitor = |address: &str| party(Actor::anonymous(from(address)));
    assert_eq!(visitor("2001:db8::1"), visitor("2001:db8::2"), "a network of IPv6");
    assert_ne!(visitor("1.1.1.1"), visitor("1.1.1.2"));
    assert!(visitor("1.1.1.1").is_some() && party(user(1, 1, "1.1.1.1")).is_some());
    let token = Identity::Token { id: Uuid::from_u128(7) };
    assert!(party(Actor { identity: token, ..Actor::anonymous(Origin::default()) }).is_some());
    assert_eq!(party(Actor::anonymous(Origin::default())), None, "an address that is not known");
    assert_eq!(party(Actor::system()), None);
    assert_eq!(party(Actor::developer(from("1.1.1.1"))), None);
}

#[test]
fn areas_are_written_as_in_the_schema() {
    assert_eq!(Area::ALL.map(Area::as_str), ["users", "tokens", "audit", "webhooks", "redirects", "search"]);
}

#[test]
fn a_network_is_written_as_what_one_client_has() {
    let written = |address: &str| super::Network::of(address.parse().unwrap()).to_string();
    assert_eq!(written("2001:db8:0:1:ffff::1"), "2001:db8:0:1::/64");
    assert_eq!([written("1.2.3.4"), written("::ffff:1.2.3.4")], ["1.2.3.4", "1.2.3.4"]);
}

//! The client address of a request behind proxies (OWASP ASVS 5.0, 4.1.3).
//!
//! Anyone can send `X-Forwarded-For`. Trusted proxies append to its right end, so the header is read from there: the
//! first address that is not a trusted proxy is the client's, and everything to the left of it is ignored.

use std::net::IpAddr;
use std::str::FromStr;

use axum::http::HeaderMap;
use ipnet::IpNet;

/// The most entries that are read; our own proxies are fewer.
const LONGEST: usize = 32;

/// `TYPECASE_TRUSTED_PROXIES` and `TYPECASE_FORWARDED_HEADER`.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies {
    pub networks: Vec<IpNet>,
    pub header: Forwarding,
}

/// The header that the proxies write. The other one is ignored, because a proxy forwards headers that it does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Forwarding {
    #[default]
    XForwardedFor,
    /// RFC 7239
    Forwarded,
}

impl TrustedProxies {
    /// Parses networks (`10.0.0.0/8`) and addresses, separated by commas. The error is the first item that is neither.
    pub fn parse(text: &str) -> Result<Vec<IpNet>, String> {
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        let network = |item: &str| item.parse().or_else(|_| item.parse().map(|address: IpAddr| IpNet::from(address)));
        let networks: Vec<IpNet> =
            items.map(|item| network(item).map_err(|_| item.to_owned())).collect::<Result<_, _>>()?;
        // A list made of empty variables.
        if networks.is_empty() { Err(text.to_owned()) } else { Ok(networks) }
    }

    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        if !self.trusts(client) {
            return client;
        }
        let name = match self.header {
            Forwarding::XForwardedFor => "x-forwarded-for",
            Forwarding::Forwarded => "forwarded",
        };
        let lines: Vec<_> = headers.get_all(name).iter().collect();
        // Split regardless of quotes: a client that opens one must not swallow what our proxy appends.
        let entries = lines.iter().rev().flat_map(|line| line.to_str().unwrap_or_default().rsplit(','));
        for entry in entries.take(LONGEST) {
            let Some(address) = self.address(entry) else { break };
            client = address;
            if !self.trusts(client) {
                break;
            }
        }
        client
    }

    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|network| network.contains(&address))
    }

    fn address(&self, entry: &str) -> Option<IpAddr> {
        let entry = match self.header {
            Forwarding::XForwardedFor => entry.trim(),
            Forwarding::Forwarded => {
                let mut pairs = entry.split(';').filter_map(|pair| pair.trim().split_once('='));
                pairs.find(|(name, _)| name.eq_ignore_ascii_case("for"))?.1.trim_matches('"')
            }
        };
        let without_port = match entry.strip_prefix('[') {
            Some(rest) => rest.split_once(']').map(|(address, _)| address)?,
            None if entry.matches(':').count() == 1 => entry.split_once(':')?.0,
            None => entry,
        };
        IpAddr::from_str(without_port).ok().map(|address| address.to_canonical())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(header: Forwarding, peer: &str, name: &'static str, lines: &[&str]) -> String {
        let networks = TrustedProxies::parse("10.0.0.0/8, 127.0.0.1, fd00::/8").unwrap();
        let lines = lines.iter().map(|line| (name.parse().unwrap(), line.parse().unwrap()));
        TrustedProxies { networks, header }.client(peer.parse().unwrap(), &HeaderMap::from_iter(lines)).to_string()
    }

    #[test]
    fn the_client_is_the_rightmost_address_that_is_no_proxy_of_ours() {
        for (peer, lines, expected) in [
            ("203.0.113.9", &["1.2.3.4"][..], "203.0.113.9"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["1.2.3.4"], "1.2.3.4"),
            ("10.0.0.1", &["6.6.6.6, 1.2.3.4"], "1.2.3.4"),
            ("10.0.0.1", &["6.6.6.6", "1.2.3.4, 10.9.9.9"], "1.2.3.4"),
            ("10.0.0.1", &["10.1.1.1, 10.9.9.9"], "10.1.1.1"),
            ("10.0.0.1", &["1.2.3.4, unknown"], "10.0.0.1"),
            ("10.0.0.1", &["1.2.3.4, unknown, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &["1.2.3.4:5678"], "1.2.3.4"),
            ("10.0.0.1", &["[2001:db8::1]:80"], "2001:db8::1"),
            ("10.0.0.1", &["2001:db8::1"], "2001:db8::1"),
            ("::ffff:10.0.0.1", &["::ffff:1.2.3.4"], "1.2.3.4"),
            ("fd00::1", &["1.2.3.4"], "1.2.3.4"),
            ("10.0.0.1", &[""], "10.0.0.1"),
        ] {
            assert_eq!(client(Forwarding::XForwardedFor, peer, "x-forwarded-for", lines), expected, "{peer} {lines:?}");
        }
        assert_eq!(client(Forwarding::XForwardedFor, "10.0.0.1", "forwarded", &["for=1.2.3.4"]), "10.0.0.1");
    }

    #[test]
    fn the_standard_header_is_read_where_it_is_the_one_of_the_proxies() {
        for (lines, expected) in [
            (&["for=1.2.3.4"][..], "1.2.3.4"),
            (&["for=6.6.6.6, For=\"[2001:db8::1]:4711\";proto=https;by=10.0.0.1"], "2001:db8::1"),
            (&["for=\"6.6.6.6", "for=1.2.3.4"], "1.2.3.4"),
            (&["for=_hidden"], "10.0.0.1"),
            (&["proto=https"], "10.0.0.1"),
        ] {
            assert_eq!(client(Forwarding::Forwarded, "10.0.0.1", "forwarded", lines), expected, "{lines:?}");
        }
        assert_eq!(client(Forwarding::Forwarded, "10.0.0.1", "x-forwarded-for", &["1.2.3.4"]), "10.0.0.1");
    }

    #[test]
    fn what_is_no_network_is_named() {
        assert_eq!(TrustedProxies::parse("10.0.0.0/8, nowhere"), Err("nowhere".to_owned()));
    }
}

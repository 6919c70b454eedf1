//! Which addresses may be sent to: those of the public internet, and the networks that the operator allows.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// `TYPECASE_WEBHOOK_ALLOWED_NETWORKS`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed(Vec<IpNet>);

/// What a server must not be sent to from outside (IANA's registries of special addresses, and the metadata of clouds).
const REFUSED_V4: [(Ipv4Addr, u8); 17] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    // Carrier-grade NAT, and the metadata of Alibaba.
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Azure's own services of a machine, in its midst.
    (Ipv4Addr::new(168, 63, 129, 16), 32),
    // Link-local, and the metadata of most clouds.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // Multicast, reserved, broadcast.
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
    (Ipv4Addr::new(255, 255, 255, 255), 32),
];

/// Of 2000::/3; all else of IPv6 is no global unicast.
const REFUSED_V6: [(Ipv6Addr, u8); 4] = [
    // Teredo, benchmarks, ORCHID and the like.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    // 6to4 has an IPv4 address inside.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

const GLOBAL_V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
/// NAT64: the last four bytes are the IPv4 address that is meant.
const NAT64: (Ipv6Addr, u8) = (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);

impl Allowed {
    /// Networks and addresses, separated by commas.
    pub fn parse(text: &str) -> Result<Self, String> {
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        let network = |word: &str| {
            let address = word.parse::<IpAddr>().map(IpNet::from);
            word.parse::<IpNet>().or(address).map_err(|_| format!("`{word}` is not a network"))
        };
        words.map(network).collect::<Result<_, _>>().map(Self)
    }

    pub fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// In one of the networks that the operator has named.
    pub fn names(&self, address: IpAddr) -> bool {
        let meant = meant(address);
        self.0.iter().any(|network| network.contains(&meant) || network.contains(&address))
    }

    pub fn permits(&self, address: IpAddr) -> bool {
        is_public(address) || self.names(address)
    }
}

/// What a packet to this address is sent to in the end.
fn meant(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if within_v6(v6, NAT64) => {
            let [.., a, b, c, d] = v6.octets();
            Ipv4Addr::new(a, b, c, d).into()
        }
        address => address,
    }
}

pub fn is_public(address: IpAddr) -> bool {
    match meant(address) {
        IpAddr::V4(v4) => !REFUSED_V4.iter().any(|network| within_v4(v4, *network)),
        IpAddr::V6(v6) => within_v6(v6, GLOBAL_V6) && !REFUSED_V6.iter().any(|network| within_v6(v6, *network)),
    }
}

fn within_v4(address: Ipv4Addr, (network, length): (Ipv4Addr, u8)) -> bool {
    (address.to_bits() ^ network.to_bits()).leading_zeros() >= u32::from(length)
}

fn within_v6(address: Ipv6Addr, (network, length): (Ipv6Addr, u8)) -> bool {
    (address.to_bits() ^ network.to_bits()).leading_zeros() >= u32::from(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn what_is_not_of_the_public_internet_is_refused() {
        let refused = [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.8.8.8",
            "168.63.129.16",
            "169.254.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ];
        for text in refused {
            assert!(!Allowed::default().permits(address(text)), "{text}");
        }
        let public = [
            "1.1.1.1",
            "8.8.8.8",
            "11.0.0.1",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.167.1.1",
            "193.0.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450:4001::200e",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
        ];
        for text in public {
            assert!(Allowed::default().permits(address(text)), "{text}");
        }
    }

    #[test]
    fn a_network_is_allowed_by_name_however_its_addresses_are_written() {
        let allowed = Allowed::parse("10.1.0.0/16, 127.0.0.1,fd00::/8").expect("networks");
        for text in ["10.1.2.3", "127.0.0.1", "::ffff:127.0.0.1", "64:ff9b::10.1.2.3", "fd00::7", "8.8.8.8"] {
            assert!(allowed.permits(address(text)), "{text}");
        }
        for text in ["10.2.0.1", "127.0.0.2", "::1", "fe80::1", "169.254.169.254"] {
            assert!(!allowed.permits(address(text)), "{text}");
        }
        assert!(!allowed.names(address("8.8.8.8")));
        assert!(Allowed::parse("").expect("none").is_none());
        assert_eq!(Allowed::parse("10.0.0.0/8, there").unwrap_err(), "`there` is not a network");
    }
}

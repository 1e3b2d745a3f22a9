//! Ports, as `--publish` says them.

use std::net::IpAddr;

use serde_json::{Map, Value, json};

/// The API's `ExposedPorts` and `PortBindings`.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Ports {
    pub(super) exposed: Map<String, Value>,
    pub(super) bindings: Map<String, Value>,
}

impl Ports {
    /// Reads `[[ADDRESS:]HOST-PORT:]PORT[/PROTOCOL]`, in which ports may be ranges.
    pub(super) fn of(specs: &[String]) -> Result<Self, String> {
        let mut ports = Self::default();
        specs.iter().try_for_each(|spec| ports.add(spec))?;
        Ok(ports)
    }

    fn add(&mut self, spec: &str) -> Result<(), String> {
        let (text, protocol) = match spec.split_once('/') {
            Some((text, protocol)) => (text, protocol.to_lowercase()),
            None => (spec, "tcp".to_owned()),
        };
        let (rest, inner) = text.rsplit_once(':').map_or(("", text), |(rest, inner)| (rest, inner));
        let (address, outer) = rest.rsplit_once(':').unwrap_or(("", rest));
        if inner.is_empty() {
            return Err(format!("no port specified: {spec}<empty>"));
        }
        let range = range(inner).ok_or_else(|| format!("invalid containerPort: {inner}"))?;
        if !["tcp", "udp", "sctp"].contains(&protocol.as_str()) {
            return Err(format!("invalid proto: {protocol}"));
        }
        let address = address.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(address);
        if !address.is_empty() && address.parse::<IpAddr>().is_err() {
            return Err(format!("invalid IP address: {address}"));
        }
        let count = range.1 - range.0;
        let on_host = match outer {
            "" => None,
            _ => Some(self::range(outer).ok_or_else(|| format!("invalid hostPort: {outer}"))?),
        };
        // Several ports of the host for one of the container: the daemon takes one that is free.
        let any_of = on_host.filter(|host| host.1 - host.0 != count);
        if any_of.is_some() && count > 0 {
            return Err(format!(
                "invalid ranges specified for container and host Ports: {inner} and {outer}"
            ));
        }
        for port in range.0..=range.1 {
            let name = format!("{port}/{protocol}");
            let host = match (any_of, on_host) {
                (Some((from, to)), _) => format!("{from}-{to}"),
                (None, Some((from, _))) => (from + (port - range.0)).to_string(),
                (None, None) => String::new(),
            };
            self.exposed.insert(name.clone(), json!({}));
            let bindings = self.bindings.entry(name).or_insert_with(|| json!([]));
            if let Some(bindings) = bindings.as_array_mut() {
                bindings.push(json!({ "HostIp": address, "HostPort": host }));
            }
        }
        Ok(())
    }
}

fn range(text: &str) -> Option<(u16, u16)> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let (from, to) = (from.parse().ok()?, to.parse().ok()?);
    (from <= to).then_some((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_dockers_notation() {
        let table: [(&str, Value); 7] = [
            ("80", json!({ "80/tcp": [{ "HostIp": "", "HostPort": "" }] })),
            ("8080:80", json!({ "80/tcp": [{ "HostIp": "", "HostPort": "8080" }] })),
            ("127.0.0.1::80/udp", json!({ "80/udp": [{ "HostIp": "127.0.0.1", "HostPort": "" }] })),
            ("[::1]:8080:80", json!({ "80/tcp": [{ "HostIp": "::1", "HostPort": "8080" }] })),
            (
                "7000-7001:8000-8001",
                json!({
                    "8000/tcp": [{ "HostIp": "", "HostPort": "7000" }],
                    "8001/tcp": [{ "HostIp": "", "HostPort": "7001" }],
                }),
            ),
            ("7000-7005:80", json!({ "80/tcp": [{ "HostIp": "", "HostPort": "7000-7005" }] })),
            ("80/TCP", json!({ "80/tcp": [{ "HostIp": "", "HostPort": "" }] })),
        ];
        for (spec, bindings) in table {
            let ports = Ports::of(&[spec.to_owned()]).expect(spec);
            assert_eq!(Value::Object(ports.bindings), bindings, "{spec}");
        }
    }

    #[test]
    fn refuses_what_is_no_port() {
        let table = [
            ("x:y", "invalid containerPort: y"),
            ("x:80", "invalid hostPort: x"),
            ("99999", "invalid containerPort: 99999"),
            ("80/x", "invalid proto: x"),
            ("nowhere:1:2", "invalid IP address: nowhere"),
            ("1-2:3-9", "invalid ranges specified for container and host Ports: 3-9 and 1-2"),
        ];
        for (spec, words) in table {
            assert_eq!(Ports::of(&[spec.to_owned()]), Err(words.to_owned()), "{spec}");
        }
    }
}

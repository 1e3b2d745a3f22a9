//! `ps`: containers as a table, as ids, as JSON, or as lines of one's own.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hijack_docker::{ListOptions, Port, Summary};
use serde_json::{Map, Value};

use super::args::Ps;
use super::columns::aligned;
use super::failure::Failed;
use super::format::{Template, cut, json, quoted};
use super::signals::unless_signalled;
use super::{Settings, moment, print, quantity};

pub(super) async fn run(settings: &Settings, said: &Ps) -> Result<(), Failed> {
    unless_signalled(ps(settings, said)).await
}

async fn ps(settings: &Settings, said: &Ps) -> Result<(), Failed> {
    let format = said.format.as_deref().unwrap_or_default();
    if said.quiet.0 && !format.is_empty() {
        eprintln!("WARNING: Ignoring custom format, because both --format and --quiet are set.");
    }
    let shape = Shape::of(format, said)?;
    let options = options(said, &shape);
    let cut = !said.no_trunc.0;
    let rows: Vec<Row> =
        settings.docker.list(&options).await?.into_iter().map(|of| Row { of, cut }).collect();
    print(&shape.show(&rows))
}

fn options(said: &Ps, shape: &Shape) -> ListOptions {
    let mut options = ListOptions::default();
    options.all = said.all.0;
    let last = if said.latest.0 && said.last == -1 { 1 } else { said.last };
    options.limit = u32::try_from(last).ok().filter(|last| *last > 0);
    options.size = said.size.0 || shape.template().is_some_and(|template| template.shows("Size"));
    let mut filters = HashMap::<String, Vec<String>>::new();
    for (name, value) in &said.filter {
        filters.entry(name.clone()).or_default().push(value.clone());
    }
    options.filters = filters;
    options
}

/// How containers are shown.
enum Shape {
    Table(Template),
    Lines(Template),
    Json,
}

const TABLE: &str = "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}";

impl Shape {
    fn of(format: &str, said: &Ps) -> Result<Self, Failed> {
        let template = |text: &str| {
            let template = Template::of(text).map_err(Failed::new)?;
            let unknown = template.fields().find(|name| heading(name).is_none()).map(str::to_owned);
            match unknown {
                None => Ok(template),
                Some(name) => Err(Failed::new(format!(
                    "failed to execute template: template: :1:2: executing \"\" at <.{name}>: can't evaluate field {name} in type *formatter.ContainerContext"
                ))),
            }
        };
        let size = if said.size.0 { "\t{{.Size}}" } else { "" };
        Ok(match (format, format.strip_prefix("table")) {
            _ if said.quiet.0 => Self::Lines(template("{{.ID}}")?),
            ("" | "table", _) => Self::Table(template(&format!("{TABLE}{size}"))?),
            ("json", _) => Self::Json,
            (_, Some(columns)) => Self::Table(template(columns.trim_matches(' '))?),
            (line, None) => Self::Lines(template(line.trim_matches(' '))?),
        })
    }

    fn template(&self) -> Option<&Template> {
        match self {
            Self::Table(template) | Self::Lines(template) => Some(template),
            Self::Json => None,
        }
    }

    fn show(&self, rows: &[Row]) -> String {
        let lines = |template: &Template| {
            let line = |row: &Row| template.line(|name| row.field(name), || row.json()) + "\n";
            rows.iter().map(line).collect::<String>()
        };
        match self {
            Self::Table(template) => {
                let head = template.line(|name| heading(name).map(str::to_owned), String::new);
                aligned(&format!("{head}\n{}", lines(template)), 10, 3)
            }
            Self::Lines(template) => lines(template),
            Self::Json => rows.iter().map(|row| row.json() + "\n").collect(),
        }
    }
}

/// The name of a field at the top of its column.
fn heading(field: &str) -> Option<&'static str> {
    FIELDS.iter().find(|(name, ..)| *name == field).map(|(_, heading, _)| *heading)
}

type Field = (&'static str, &'static str, fn(&Row) -> String);

/// What is known of a container, in the order of the alphabet.
const FIELDS: [Field; 14] = [
    ("Command", "COMMAND", Row::command),
    ("CreatedAt", "CREATED AT", |row| moment::long(row.of.created)),
    ("ID", "CONTAINER ID", Row::id),
    ("Image", "IMAGE", Row::image),
    ("Labels", "LABELS", Row::labels),
    ("LocalVolumes", "LOCAL VOLUMES", |row| {
        row.mounts("Driver").filter(|driver| *driver == "local").count().to_string()
    }),
    ("Mounts", "MOUNTS", Row::mounted),
    ("Names", "NAMES", Row::names),
    ("Networks", "NETWORKS", Row::networks),
    ("Ports", "PORTS", |row| ports(row.of.ports.clone())),
    ("RunningFor", "CREATED", Row::running_for),
    ("Size", "SIZE", Row::size),
    ("State", "STATE", |row| row.of.state.clone()),
    ("Status", "STATUS", |row| row.of.status.clone()),
];

/// A container, and whether what is long is cut.
struct Row {
    of: Summary,
    cut: bool,
}

impl Row {
    fn field(&self, name: &str) -> Option<String> {
        FIELDS.iter().find(|(field, ..)| *field == name).map(|(_, _, value)| value(self))
    }

    fn json(&self) -> String {
        let fields = FIELDS.iter().map(|(name, _, value)| ((*name).to_owned(), Value::from(value(self))));
        let mut fields: Map<String, Value> = fields.collect();
        fields.insert(
            "Platform".to_owned(),
            self.of
                .more
                .get("ImageManifestDescriptor")
                .map_or(Value::Null, |image| image["platform"].clone()),
        );
        json(&Value::Object(fields))
    }

    fn id(&self) -> String {
        if self.cut { short(&self.of.id) } else { self.of.id.clone() }
    }

    fn command(&self) -> String {
        if self.cut { quoted(&cut(&self.of.command, 20)) } else { quoted(&self.of.command) }
    }

    fn image(&self) -> String {
        let image = self.of.image.as_str();
        if image.is_empty() {
            return "<no image>".to_owned();
        }
        if !self.cut {
            return image.to_owned();
        }
        let id = self.of.more.get("ImageID").and_then(Value::as_str).unwrap_or_default();
        if short(id) == short(image) { short(id) } else { familiar(image) }
    }

    fn names(&self) -> String {
        let names: Vec<&str> =
            self.of.names.iter().map(|name| name.strip_prefix('/').unwrap_or(name)).collect();
        // Those with another container's name in front are links to it.
        match names.iter().find(|name| !name.contains('/')).filter(|_| self.cut) {
            Some(name) => (*name).to_owned(),
            None => names.join(","),
        }
    }

    fn running_for(&self) -> String {
        let created = UNIX_EPOCH + Duration::from_secs(self.of.created.try_into().unwrap_or_default());
        let span = SystemTime::now().duration_since(created).unwrap_or_default();
        format!("{} ago", quantity::span(span))
    }

    fn size(&self) -> String {
        let bytes = |name: &str| self.of.more.get(name).and_then(Value::as_u64).unwrap_or_default();
        let (written, all) = (quantity::size(bytes("SizeRw")), bytes("SizeRootFs"));
        if all == 0 { written } else { format!("{written} (virtual {})", quantity::size(all)) }
    }

    fn labels(&self) -> String {
        let mut labels: Vec<String> =
            self.of.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        labels.sort();
        labels.join(",")
    }

    /// One field of each mount.
    fn mounts<'r>(&'r self, field: &'r str) -> impl Iterator<Item = &'r str> {
        let mounts = self.of.more.get("Mounts").and_then(Value::as_array).into_iter().flatten();
        mounts.map(move |mount| mount[field].as_str().unwrap_or_default())
    }

    fn mounted(&self) -> String {
        let named = self.mounts("Name").zip(self.mounts("Source"));
        let shown = |(name, source): (&str, &str)| {
            let name = if name.is_empty() { source } else { name };
            if self.cut { cut(name, 15) } else { name.to_owned() }
        };
        named.map(shown).collect::<Vec<_>>().join(",")
    }

    fn networks(&self) -> String {
        let networks =
            self.of.more.get("NetworkSettings").and_then(|settings| settings["Networks"].as_object());
        let names: Vec<&str> = networks.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        names.join(",")
    }
}

/// Twelve figures, without the name of the hash.
fn short(id: &str) -> String {
    let id = id.split_once(':').map_or(id, |(_, id)| id);
    id.chars().take(12).collect()
}

/// An image's name without the digest, and without what Docker's own registry adds.
fn familiar(image: &str) -> String {
    let name = image.split_once('@').map_or(image, |(name, _)| name);
    let name = name.strip_prefix("docker.io/").unwrap_or(name);
    name.strip_prefix("library/").unwrap_or(name).to_owned()
}

/// Ports as `0.0.0.0:8080->80/tcp, 443/tcp`, neighbours together.
fn ports(mut ports: Vec<Port>) -> String {
    ports.sort_by(|a, b| {
        let key = |port: &Port| {
            (port.private_port, port.ip.clone().unwrap_or_default(), port.public_port, port.protocol.clone())
        };
        key(a).cmp(&key(b))
    });
    let (mut done, mut mapped) = (Vec::new(), Vec::new());
    let mut groups: Vec<(Option<String>, String, u16, u16)> = Vec::new();
    for port in ports {
        let ip = port.ip.filter(|ip| !ip.is_empty());
        let number = port.private_port;
        if let Some(ip) = &ip
            && port.public_port != Some(number)
        {
            let public = port.public_port.unwrap_or_default();
            mapped.push(format!("{}:{public}->{number}/{}", bracketed(ip), port.protocol));
            continue;
        }
        match groups.iter_mut().find(|(of, protocol, ..)| *of == ip && *protocol == port.protocol) {
            None => groups.push((ip, port.protocol, number, number)),
            Some((.., last)) if number == last.saturating_add(1) => *last = number,
            Some(group) => {
                done.push(grouped(group));
                (group.2, group.3) = (number, number);
            }
        }
    }
    done.extend(groups.iter().map(grouped));
    done.extend(mapped);
    done.join(", ")
}

fn grouped((ip, protocol, first, last): &(Option<String>, String, u16, u16)) -> String {
    let range = if first == last { first.to_string() } else { format!("{first}-{last}") };
    match ip {
        Some(ip) => format!("{}:{range}->{range}/{protocol}", bracketed(ip)),
        None => format!("{range}/{protocol}"),
    }
}

fn bracketed(ip: &str) -> String {
    if ip.contains(':') { format!("[{ip}]") } else { ip.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(cut: bool) -> Row {
        let of = json!({
            "Id": "0123456789abcdef", "Names": ["/other/link", "/web"], "Image": "docker.io/library/nginx:1@sha256:00",
            "ImageID": "sha256:fedcba9876543210", "Command": "sh -c 'while :; do sleep 1; done'", "Created": 0,
            "State": "running", "Status": "Up 2 hours", "Labels": { "b": "2", "a": "1" }, "SizeRw": 12_300,
            "SizeRootFs": 1_090_000, "NetworkSettings": { "Networks": { "none": {} } },
            "Mounts": [{ "Source": "/a/very/long/source" }, { "Name": "data", "Driver": "local" }],
        });
        Row { of: serde_json::from_value(of).expect("a container"), cut }
    }

    #[test]
    fn fields_are_dockers() {
        let table = [
            ("ID", "0123456789ab", "0123456789abcdef"),
            ("Names", "web", "other/link,web"),
            ("Image", "nginx:1", "docker.io/library/nginx:1@sha256:00"),
            ("Command", "\"sh -c 'while :; do …\"", "\"sh -c 'while :; do sleep 1; done'\""),
            ("CreatedAt", "1970-01-01 00:00:00 +0000 UTC", "1970-01-01 00:00:00 +0000 UTC"),
            ("Labels", "a=1,b=2", "a=1,b=2"),
            ("Size", "12.3kB (virtual 1.09MB)", "12.3kB (virtual 1.09MB)"),
            ("Networks", "none", "none"),
            ("Mounts", "/a/very/long/s…,data", "/a/very/long/source,data"),
            ("LocalVolumes", "1", "1"),
        ];
        for (name, short, long) in table {
            assert_eq!(row(true).field(name).as_deref(), Some(short), "{name}");
            assert_eq!(row(false).field(name).as_deref(), Some(long), "{name}");
        }
        assert_eq!(row(true).field("Nope"), None);
    }

    #[test]
    fn neighbouring_ports_stand_together() {
        let port = |ip: Option<&str>, private: u16, public: Option<u16>, protocol: &str| {
            let of = json!({ "IP": ip, "PrivatePort": private, "PublicPort": public, "Type": protocol });
            serde_json::from_value::<Port>(of).expect("a port")
        };
        let table = [
            (vec![], ""),
            (vec![port(None, 9988, None, "tcp")], "9988/tcp"),
            (
                vec![port(Some("0.0.0.0"), 9090, Some(80), "tcp"), port(None, 9988, None, "udp")],
                "9988/udp, 0.0.0.0:80->9090/tcp",
            ),
            (
                vec![port(None, 82, None, "tcp"), port(None, 80, None, "tcp"), port(None, 81, None, "tcp")],
                "80-82/tcp",
            ),
            (vec![port(None, 80, None, "tcp"), port(None, 82, None, "tcp")], "80/tcp, 82/tcp"),
            (
                vec![port(Some("::"), 80, Some(80), "tcp"), port(Some("::"), 81, Some(81), "tcp")],
                "[::]:80-81->80-81/tcp",
            ),
        ];
        for (list, shown) in table {
            assert_eq!(ports(list), shown);
        }
    }
}

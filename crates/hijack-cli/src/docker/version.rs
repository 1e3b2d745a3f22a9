//! `version`: this client, and the daemon with all its parts.

use hijack_docker::{ApiVersion, Docker};
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::args::Version;
use super::columns::aligned;
use super::failure::Failed;
use super::format::json;
use super::signals::unless_signalled;
use super::{Settings, moment, print};

pub(super) async fn run(settings: &Settings, said: &Version) -> Result<(), Failed> {
    let as_json = match said.format.as_deref() {
        None | Some("") => false,
        Some("json" | "{{json .}}") => true,
        Some(format) => {
            let text =
                format!("template parsing error: {format:?} is none of the formats that there are: json");
            return Err(Failed { code: 64, text });
        }
    };
    unless_signalled(async {
        let (agreed, server) = match settings.docker.api_version().await {
            Ok(version) => (Some(version), server(&settings.docker).await),
            Err(error) => (None, Err(error.into())),
        };
        // Who we are is said in any case.
        let client = Client::of(settings, agreed);
        print(&if as_json {
            both(&client, server.as_ref().ok())
        } else {
            table(&client, server.as_ref().ok())
        })?;
        server.map(drop)
    })
    .await
}

async fn server(docker: &Docker) -> Result<Server, Failed> {
    let mut server: Server = docker.request(Method::GET, "/version", None).await?.json().await?;
    let engine = server.components.iter_mut().find(|part| part.name == "Engine");
    match engine {
        Some(engine) => {
            if let Some(Value::String(built)) = engine.details.get_mut("BuildTime") {
                *built = moment::ansi(built);
            }
        }
        None => server.components.push(server.engine()),
    }
    Ok(server)
}

/// This program.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Client {
    platform: Platform,
    version: &'static str,
    api_version: String,
    #[serde(rename = "DefaultAPIVersion")]
    default_api_version: String,
    os: &'static str,
    arch: &'static str,
    context: String,
}

impl Client {
    fn of(settings: &Settings, api_version: Option<ApiVersion>) -> Self {
        let newest = ApiVersion::NEWEST;
        Self {
            platform: Platform { name: "hijack".to_owned() },
            version: env!("CARGO_PKG_VERSION"),
            api_version: api_version.unwrap_or(newest).to_string(),
            default_api_version: newest.to_string(),
            os: std::env::consts::OS,
            arch: match std::env::consts::ARCH {
                "x86_64" => "amd64",
                "aarch64" => "arm64",
                "x86" => "386",
                arch => arch,
            },
            context: settings.context.clone(),
        }
    }
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Platform {
    #[serde(default)]
    name: String,
}

/// What a daemon says of itself, in the order in which Docker says it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Server {
    #[serde(default)]
    platform: Platform,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    components: Vec<Component>,
    #[serde(default)]
    version: String,
    #[serde(default)]
    api_version: String,
    #[serde(default, rename = "MinAPIVersion", skip_serializing_if = "String::is_empty")]
    min_api_version: String,
    #[serde(default)]
    git_commit: String,
    #[serde(default)]
    go_version: String,
    #[serde(default)]
    os: String,
    #[serde(default)]
    arch: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    kernel_version: String,
    #[serde(default, skip_serializing_if = "is_false")]
    experimental: bool,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    build_time: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Component {
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    details: Map<String, Value>,
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_false(is: &bool) -> bool {
    !is
}

impl Server {
    /// The engine as daemons told of it before there were components.
    fn engine(&self) -> Component {
        let details = [
            ("ApiVersion", self.api_version.clone()),
            ("MinAPIVersion", self.min_api_version.clone()),
            ("GitCommit", self.git_commit.clone()),
            ("GoVersion", self.go_version.clone()),
            ("Os", self.os.clone()),
            ("Arch", self.arch.clone()),
            ("BuildTime", moment::ansi(&self.build_time)),
            ("Experimental", self.experimental.to_string()),
        ];
        let details = details.map(|(name, value)| (name.to_owned(), Value::from(value)));
        Component {
            name: "Engine".to_owned(),
            version: self.version.clone(),
            details: details.into_iter().collect(),
        }
    }
}

fn both(client: &Client, server: Option<&Server>) -> String {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Both<'v> {
        client: &'v Client,
        server: Option<&'v Server>,
    }
    // Through text, which keeps the order of the fields.
    let text = serde_json::to_string(&Both { client, server }).unwrap_or_default();
    super::format::as_go(&text) + "\n"
}

fn table(client: &Client, server: Option<&Server>) -> String {
    let mut lines =
        vec![format!("Client: {}", client.platform.name), format!(" Version:\t{}", client.version)];
    let downgraded = match client.api_version == client.default_api_version {
        true => String::new(),
        false => format!(" (downgraded from {})", client.default_api_version),
    };
    lines.push(format!(" API version:\t{}{downgraded}", client.api_version));
    lines.push(format!(" OS/Arch:\t{}/{}", client.os, client.arch));
    lines.push(format!(" Context:\t{}", client.context));
    if let Some(server) = server {
        lines.push(String::new());
        let name = &server.platform.name;
        lines.push(if name.is_empty() { "Server:".to_owned() } else { format!("Server: {name}") });
        lines.extend(server.components.iter().flat_map(Component::lines));
    }
    aligned(&lines.join("\n"), 20, 1)
}

impl Component {
    fn lines(&self) -> Vec<String> {
        let detail = |name: &str| match self.details.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Null) | None => String::new(),
            Some(value) => json(value),
        };
        let mut lines = vec![format!(" {}:", self.name), format!("  Version:\t{}", self.version)];
        if self.name == "Engine" {
            let minimum = detail("MinAPIVersion");
            lines.push(format!("  API version:\t{} (minimum version {minimum})", detail("ApiVersion")));
            lines.push(format!("  Go version:\t{}", detail("GoVersion")));
            lines.push(format!("  Git commit:\t{}", detail("GitCommit")));
            lines.push(format!("  Built:\t{}", detail("BuildTime")));
            lines.push(format!("  OS/Arch:\t{}/{}", detail("Os"), detail("Arch")));
            lines.push(format!("  Experimental:\t{}", detail("Experimental")));
        } else {
            lines.extend(self.details.keys().map(|name| format!("  {name}:\t{}", detail(name))));
        }
        lines
    }
}

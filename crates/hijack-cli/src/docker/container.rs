//! A container as `run` was told it: its flags in the API's terms.

use std::collections::HashMap;
use std::path::Path;

use hijack_docker::ContainerConfig;
use serde_json::{Map, Value, json};

use super::args::{Container, Surroundings, Switch};
use super::env::variables;
use super::ports::Ports;
use super::quantity;

/// The container's configuration, with everything attached that `run` in the foreground attaches.
pub(super) fn config(said: &Container, image: &str, command: &[String]) -> Result<ContainerConfig, String> {
    let mut config = ContainerConfig::new(image, command);
    let attached = attached(said)?;
    config.tty = said.tty.0;
    config.open_stdin = said.interactive.0;
    [config.attach_stdin, config.attach_stdout, config.attach_stderr] = attached;
    config.stdin_once = config.open_stdin && config.attach_stdin;
    // An empty one takes the image's away.
    config.entrypoint = said.entrypoint.clone().map(|entrypoint| vec![entrypoint]);
    let Surroundings { env, env_file, workdir, user } = &said.surroundings;
    config.env = variables(env_file, env)?;
    config.user = user.clone().unwrap_or_default();
    config.working_dir = workdir.clone().unwrap_or_default();
    config.hostname = said.hostname.clone().unwrap_or_default();
    config.labels = labels(&said.label);
    let ports = Ports::of(&said.publish)?;
    let (binds, volumes) = volumes(&said.volume)?;
    let host = &mut config.host_config;
    host.auto_remove = said.rm.0;
    host.init = said.init.map(|Switch(init)| init);
    host.network_mode = said.network.clone().unwrap_or_default();
    host.binds = binds;
    host.more = host_config(said)?;
    put(&mut host.more, "PortBindings", Value::Object(ports.bindings));
    put(&mut config.more, "ExposedPorts", Value::Object(ports.exposed));
    put(&mut config.more, "Volumes", Value::Object(volumes));
    if let Some(signal) = &said.stop_signal {
        put(&mut config.more, "StopSignal", json!(signal));
    }
    if let Some(seconds) = said.stop_timeout {
        put(&mut config.more, "StopTimeout", json!(seconds));
    }
    Ok(config)
}

/// Whether stdin, stdout and stderr are attached.
fn attached(said: &Container) -> Result<[bool; 3], String> {
    let mut attached = [said.interactive.0, said.attach.is_empty(), said.attach.is_empty()];
    for name in &said.attach {
        let name = name.to_lowercase();
        let place = ["stdin", "stdout", "stderr"].iter().position(|stream| *stream == name);
        let place = place.ok_or("valid streams are STDIN, STDOUT and STDERR")?;
        attached[place] = true;
    }
    Ok(attached)
}

fn labels(said: &[String]) -> HashMap<String, String> {
    let pair = |label: &String| match label.split_once('=') {
        Some((name, value)) => (name.to_owned(), value.to_owned()),
        None => (label.clone(), String::new()),
    };
    said.iter().map(pair).collect()
}

/// Folders of the host and named volumes; and those that have neither a source nor a name.
fn volumes(said: &[String]) -> Result<(Vec<String>, Map<String, Value>), String> {
    let (mut binds, mut unnamed) = (Vec::new(), Map::new());
    for volume in said {
        match volume.split_once(':') {
            _ if volume.is_empty() => return Err("invalid empty volume spec".to_owned()),
            None => drop(unnamed.insert(volume.clone(), json!({}))),
            Some(("", _) | (_, "")) => {
                return Err(format!("invalid spec: {volume}: empty section between colons"));
            }
            Some((source, rest)) if source.starts_with('.') => {
                let source = std::path::absolute(source).map_err(|error| format!("{source}: {error}"))?;
                binds.push(format!("{}:{rest}", tidied(&source)));
            }
            Some(_) => binds.push(volume.clone()),
        }
    }
    Ok((binds, unnamed))
}

/// Without `.` and `..`, by the words alone.
fn tidied(path: &Path) -> String {
    let mut tidy = std::path::PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => drop(tidy.pop()),
            part => tidy.push(part),
        }
    }
    tidy.display().to_string()
}

fn host_config(said: &Container) -> Result<Map<String, Value>, String> {
    let mut more = Map::new();
    put(&mut more, "Privileged", json!(said.privileged.0));
    put(&mut more, "PublishAllPorts", json!(said.publish_all.0));
    put(&mut more, "ReadonlyRootfs", json!(said.read_only.0));
    let lists = [
        ("ExtraHosts", &said.add_host),
        ("Dns", &said.dns),
        ("CapAdd", &said.cap_add),
        ("CapDrop", &said.cap_drop),
        ("GroupAdd", &said.group_add),
        ("SecurityOpt", &said.security_opt),
    ];
    for (name, list) in lists {
        put(&mut more, name, json!(list));
    }
    let tmpfs: Map<String, Value> = said.tmpfs.iter().map(|spec| pair(spec, ':')).collect();
    put(&mut more, "Tmpfs", Value::Object(tmpfs));
    if let Some(mode) = &said.pid {
        put(&mut more, "PidMode", json!(mode));
    }
    if let Some(size) = &said.memory {
        put(&mut more, "Memory", json!(quantity::bytes(size)?));
    }
    if let Some(number) = &said.cpus {
        put(&mut more, "NanoCpus", json!(quantity::billionths(number)?));
    }
    if let Some(number) = said.pids_limit {
        put(&mut more, "PidsLimit", json!(number));
    }
    if let Some(policy) = &said.restart {
        put(&mut more, "RestartPolicy", restart(policy, said.rm.0)?);
    }
    Ok(more)
}

fn restart(policy: &str, removed: bool) -> Result<Value, String> {
    let (name, times) = policy.split_once(':').map_or((policy, None), |(name, times)| (name, Some(times)));
    if removed && !matches!(name, "no" | "") {
        return Err("conflicting options: cannot specify both --restart and --rm".to_owned());
    }
    let times = match times {
        None => 0,
        Some(times) => times.parse::<u32>().map_err(|_| {
            "invalid restart policy format: maximum retry count must be an integer".to_owned()
        })?,
    };
    Ok(json!({ "Name": name, "MaximumRetryCount": times }))
}

fn pair(spec: &str, between: char) -> (String, Value) {
    let (name, value) = spec.split_once(between).unwrap_or((spec, ""));
    (name.to_owned(), json!(value))
}

/// Puts what says something.
fn put(map: &mut Map<String, Value>, name: &str, value: Value) {
    let is_empty = match &value {
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Bool(is) => !is,
        _ => false,
    };
    if !is_empty {
        map.insert(name.to_owned(), value);
    }
}

//! The calls that take their connection over, or answer as time goes by: attach, exec, wait and logs.

use std::sync::Arc;

use hijack::stream::{FrameHeader, Framing, ServerStreams, StreamType, Wanted};
use hijack::{Body, Error, Exchange, Outcome};
use hijack_docker::server::{Attach, ExecStart, Refusal, Target};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use serde_json::json;
use tokio::io::AsyncWriteExt;

use crate::api::{self, Engine};
use crate::container::{Container, Life};
use crate::process::{State, lock};

/// `POST /containers/{id}/attach`.
pub(crate) async fn attach(
    engine: &Engine,
    exchange: Exchange,
    target: &Target,
    id: &str,
) -> Result<Outcome, Error> {
    let (attach, container) = match Attach::of(target).and_then(|attach| Ok((attach, engine.container(id)?)))
    {
        Ok(both) => both,
        Err(refusal) => return refusal.answer_as_stream(exchange).await,
    };
    let (process, tty, once) = (container.process(), container.config.tty, container.config.stdin_once);
    let ServerStreams { stdin, outputs, .. } = attach.take_over(exchange, tty).await?;
    let member = process.join(outputs, attach.wanted, attach.logs).await?;
    if !attach.stream {
        drop(member);
        return stdin.close().await;
    }
    let input = if attach.stdin { process.stdin(once && !tty)? } else { None };
    member.attend(stdin, attach.visit(input, tty, once)).await
}

/// `POST /exec/{id}/start`.
pub(crate) async fn exec(
    engine: &Engine,
    mut exchange: Exchange,
    target: &Target,
    id: &str,
) -> Result<Outcome, Error> {
    let body = exchange.read_to_end(api::BODY_LEN).await?;
    let (start, exec) = match ExecStart::parse(&body).and_then(|start| Ok((start, engine.exec(id)?))) {
        Ok(both) => both,
        Err(refusal) => return refusal.answer(exchange).await,
    };
    let process = &exec.process;
    if let Some(size) = start.console_size() {
        process.resize(size.height, size.width);
    }
    if start.detach {
        process.start();
        return exchange.respond(Response::new(Body::empty())).await;
    }
    let tty = process.spec.tty;
    let ServerStreams { stdin, outputs, .. } = start.take_over(exchange, target, api::headers()).await?;
    let member = process.join(outputs.clone(), exec.wanted, false).await?;
    // Whoever asked for no stdin ends its direction at once; that must not detach it.
    let input = if process.spec.stdin { process.stdin(!tty)? } else { None };
    // What goes wrong from here on is told in the stream.
    let failure = match process.start() {
        Some(Ok(())) => None,
        Some(Err(error)) => Some(format!("OCI runtime exec failed: {:?}: {error}", process.spec.argv[0])),
        None => Some(format!("Error: Exec command {id} has already run")),
    };
    if let Some(text) = failure {
        outputs.send(StreamType::Stdout, format!("{text}\r\n").as_bytes()).await?;
        drop((member, outputs));
        return stdin.close().await;
    }
    drop(outputs);
    member.attend(stdin, start.visit(input, tty, exec.wanted, exec.detach_keys.clone())).await
}

/// `POST /containers/{id}/wait`: the head at once, so that the client knows that it waits, and the exit code later.
pub(crate) async fn wait(
    exchange: Exchange,
    target: &Target,
    container: &Container,
) -> Result<Outcome, Error> {
    let mut life = container.life.subscribe();
    let before = life.borrow().exits;
    let ends_now = !container.is_running();
    let condition = target.query("condition").unwrap_or("not-running").to_owned();
    let told = exchange.told();
    let mut responder = exchange.start(api::json_head())?;
    responder.flush().await?;
    let is_over = |life: &Life| match &*condition {
        "removed" => life.removed,
        "next-exit" => life.exits > before,
        _ => ends_now || life.exits > before,
    };
    let ended = async { life.wait_for(is_over).await.map_or(0, |life| life.code) };
    let code = tokio::select! {
        code = ended => code,
        () = told => return responder.finish().await,
    };
    responder.write_all(format!("{}\n", json!({ "StatusCode": code })).as_bytes()).await?;
    responder.finish().await
}

/// `GET /containers/{id}/logs`: an ordinary answer, in frames if the container has no terminal.
pub(crate) async fn logs(
    exchange: Exchange,
    target: &Target,
    container: &Arc<Container>,
) -> Result<Outcome, Error> {
    let others = ["tail", "since", "until", "timestamps"].map(|name| target.query(name).unwrap_or_default());
    if others.iter().any(|value| !matches!(*value, "" | "0" | "all")) {
        let text = "this engine knows whole logs only: no tail, since, until or timestamps";
        return Refusal::new(StatusCode::NOT_IMPLEMENTED, text).answer(exchange).await;
    }
    let wanted = Wanted { stdout: target.flag("stdout"), stderr: target.flag("stderr") };
    let framing = Framing::of_tty(container.config.tty);
    let mut head = Response::new(());
    head.headers_mut().extend(api::headers());
    head.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(framing.media_type()));
    let told = exchange.told();
    tokio::pin!(told);
    let mut responder = exchange.start(head)?;
    let process = container.process();
    let mut count = lock(&container.log).count();
    let mut sent = 0;
    loop {
        // Asked before the log is read: what is written before the end is in it.
        let running = matches!(process.state(), State::Running(_));
        let (until, chunks) = {
            let log = lock(&container.log);
            (*count.borrow_and_update(), log.since(sent, wanted))
        };
        for (stream, data) in chunks {
            if framing == Framing::Multiplexed {
                let len = u32::try_from(data.len()).expect("at most FRAME_PAYLOAD_LEN");
                responder.write_all(&FrameHeader::new(stream, len).encode()).await?;
            }
            responder.write_all(&data).await?;
        }
        responder.flush().await?;
        sent = until;
        if !target.flag("follow") || !running {
            return responder.finish().await;
        }
        tokio::select! {
            _ = count.changed() => {}
            // Then once more, for the last of it.
            _ = process.exited() => {}
            () = &mut told => return responder.finish().await,
        }
    }
}

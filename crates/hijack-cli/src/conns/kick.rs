//! `hijack conns kick`: by number, or all that match.

use std::io::IsTerminal;

use http::Method;
use serde_json::json;

use super::api::{Ask, with_query};
use super::args::{Kick, Query};
use super::{Gateway, connections, count, path_of};
use crate::exit::{Failure, Kind};

impl Gateway {
    pub(super) async fn kick(&self, kick: &Kick) -> Result<(), Failure> {
        let matched = match &kick.filter {
            Some(query) => self.kick_all(kick, query).await?,
            None => self.kick_each(kick).await?,
        };
        if self.reach.json {
            self.print_values(&[json!({ "matched": matched })])?;
        } else if matched > 0 {
            self.terminal.print(&format!("closing {}\n", connections(matched)))?;
        }
        if matched == 0 {
            return Err(Failure::new(Kind::Unmatched, "no connection matches (see `hijack conns list`)"));
        }
        Ok(())
    }

    async fn kick_all(&self, kick: &Kick, query: &Query) -> Result<u64, Failure> {
        if !kick.yes {
            self.confirm_all(query).await?;
        }
        let parameters = [
            ("filter", Some(query.text.clone())),
            ("code", kick.code.map(|code| code.to_string())),
            ("reason", kick.reason.clone()),
            ("rate", kick.rate.map(|rate| rate.to_string())),
        ];
        let path = with_query("/api/connections", &parameters);
        let ask = Ask { doing: "close the connections", method: Method::DELETE, path, body: None };
        Ok(count(&self.api.ask(ask).await?, "matched"))
    }

    /// Asks first where many would go. Nobody who is no person closes all by an empty filter without saying so.
    async fn confirm_all(&self, query: &Query) -> Result<(), Failure> {
        if !std::io::stdin().is_terminal() {
            if query.filter.is_empty() {
                let text = "cannot close the connections: an empty filter means all of them (--yes, if that is meant)";
                return Err(Failure::new(Kind::Other, text));
            }
            return Ok(());
        }
        let found = self.connections(Some(query), None).await?.len();
        if found <= 1 {
            return Ok(());
        }
        self.terminal.confirm(&format!("close {}?", connections(found as u64)))
    }

    /// Each of those that were named. One that is gone already does not keep the others.
    async fn kick_each(&self, kick: &Kick) -> Result<u64, Failure> {
        let mut matched = 0;
        for id in &kick.ids {
            let parameters =
                [("code", kick.code.map(|code| code.to_string())), ("reason", kick.reason.clone())];
            let path = with_query(&path_of(*id), &parameters);
            let doing = format!("close connection {id}");
            match self.api.ask(Ask { doing: &doing, method: Method::DELETE, path, body: None }).await {
                Ok(value) => matched += count(&value, "matched"),
                Err(failure) if kick.ids.len() > 1 && failure.is(Kind::Unmatched) => {
                    self.terminal.note(&failure.to_string());
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(matched)
    }
}

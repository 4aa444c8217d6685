//! `consilium cluster`

use std::process::ExitCode;

use clap::Subcommand;
use consilium_db::nodes::{self, Node};
use serde_json::json;

use crate::{config::Config, server};

#[derive(Debug, Subcommand)]
pub(super) enum Cluster {
    /// Show the nodes, which of them own entities, and which answer over NATS; exit 1 when one does not
    Status {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

impl Cluster {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let Self::Status { json } = self;
        let db = server::open_database(config, server::system_clock())?;
        let members = db.read(nodes::members).await?;
        let ids: Vec<_> = members.nodes.iter().map(|node| node.id).collect();
        let reached = match config.nats.url.as_str() {
            "" => Err("nats.url is not set: a node that runs is alone".to_owned()),
            url => consilium_cluster::reach(url, &config.nats.prefix, &ids).await.map_err(|error| error.to_string()),
        };
        let answers = reached.clone().unwrap_or_else(|_| vec![None; ids.len()]);
        let well = reached.is_ok() && answers.iter().all(Option::is_some);
        let owns = |node: &Node| node.owns_from <= members.now;
        if json {
            let nodes = members.nodes.iter().zip(&answers).map(|(node, answer)| {
                json!({
                    "id": node.id,
                    "name": node.name,
                    "address": node.address,
                    "version": node.version,
                    "joined_at": node.joined_at,
                    "owns": owns(node),
                    "answers_in_ms": answer.map(|took| took.as_secs_f64() * 1e3),
                })
            });
            let nodes = nodes.collect::<Vec<_>>();
            println!("{}", json!({"nodes": nodes, "nats": reached.as_ref().err()}));
        } else {
            let row = |columns: [&str; 6]| {
                let [name, address, version, joined, owns, answers] = columns;
                println!("{name:<20} {address:<22} {version:<10} {joined:<20} {owns:<5} {answers}");
            };
            row(["node", "address", "version", "joined", "owns", "answers in"]);
            for (node, answer) in members.nodes.iter().zip(&answers) {
                let joined = node.joined_at.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
                let answer = answer.map_or("does not".to_owned(), |took| format!("{:.1} ms", took.as_secs_f64() * 1e3));
                let owns = if owns(node) { "yes" } else { "soon" };
                row([&node.name, &node.address, &node.version, &joined, owns, &answer]);
            }
            match &reached {
                Err(error) => println!("\nNATS: {error}"),
                Ok(_) => println!("\n{} nodes", members.nodes.len()),
            }
        }
        Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

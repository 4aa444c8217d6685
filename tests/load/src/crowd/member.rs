//! One process of the crowd.

use std::{
    collections::VecDeque,
    io::{self, BufRead},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use futures_util::{SinkExt, StreamExt, stream};
use hdrhistogram::Histogram;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

use super::{Pair, Seat, Task};
use crate::{
    drive,
    sockets::{self, Socket},
};

/// Connections that are opened at once.
const AT_ONCE: usize = 32;
/// How long the last frames may be on their way.
const PATIENCE: Duration = Duration::from_secs(30);

/// What all connections of this process share.
struct Shared {
    latencies: Mutex<Histogram<u64>>,
    under_way: AtomicUsize,
}

/// When frames of a pair were sent that were not heard yet.
type Sent = Arc<Mutex<VecDeque<Instant>>>;

/// What `load crowd FILE` does: opens the connections of the task, then obeys orders, `RATE SECONDS` each.
pub fn run(file: &str) {
    let task: Task = serde_json::from_slice(&std::fs::read(file).expect("a file")).expect("a task");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let shared = Arc::new(Shared { latencies: Mutex::new(drive::histogram()), under_way: AtomicUsize::new(0) });
    let voices: Vec<Voice> = runtime.block_on(async {
        stream::iter(&task.pairs)
            .map(|pair| gather(&task.address, pair, &shared))
            .buffer_unordered(AT_ONCE)
            .collect()
            .await
    });
    let orders = thread::spawn(move || obey(&voices, &shared));
    // The connections live on this thread until the last order was obeyed.
    runtime.block_on(async {
        while !orders.is_finished() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    orders.join().expect("orders are obeyed");
}

fn obey(voices: &[Voice], shared: &Shared) {
    println!("ready");
    for order in io::stdin().lock().lines() {
        let order = order.expect("a line");
        let (rate, seconds) = order.split_once(' ').expect("RATE SECONDS");
        let [rate, seconds] = [rate, seconds].map(|number| number.parse::<f64>().expect("a number"));
        talk(voices, shared, rate, seconds);
        let mut latencies = shared.latencies.lock().expect("nobody panics with it");
        let counts: Vec<(u64, u64)> =
            latencies.iter_recorded().map(|value| (value.value_iterated_to(), value.count_at_value())).collect();
        latencies.reset();
        println!("{}", serde_json::to_string(&counts).expect("JSON"));
    }
}

/// One pair after the other says something, by the clock: sleeping threads are more punctual than timers of a runtime.
fn talk(voices: &[Voice], shared: &Shared, rate: f64, seconds: f64) {
    let begin = Instant::now();
    for number in 0..(rate * seconds) as usize {
        let due = begin + Duration::from_secs_f64(number as f64 / rate);
        let wait = due.saturating_duration_since(Instant::now());
        thread::sleep(wait);
        let voice = &voices[number % voices.len()];
        // Late because of a sleep: that is not the server's. Late because of what was before: it is.
        let from = if wait.is_zero() { due } else { Instant::now() };
        voice.sent.lock().expect("nobody panics with it").push_back(from);
        shared.under_way.fetch_add(1, Ordering::Relaxed);
        voice.say.send(()).expect("the connection lives");
    }
    let end = Instant::now();
    while shared.under_way.load(Ordering::Relaxed) > 0 {
        assert!(end.elapsed() < PATIENCE, "{} frames were never heard", shared.under_way.load(Ordering::Relaxed));
        thread::sleep(Duration::from_millis(5));
    }
}

/// Makes a pair say its frame.
struct Voice {
    say: mpsc::UnboundedSender<()>,
    sent: Sent,
}

async fn gather(address: &str, pair: &Pair, shared: &Arc<Shared>) -> Voice {
    let sent = Sent::default();
    let (say, said) = mpsc::unbounded_channel();
    let sender = open(address, &pair.sender).await;
    let ear = Ear { heard: pair.heard.clone(), sent: sent.clone(), shared: shared.clone() };
    let voice = Some((said, pair.frame.clone()));
    match &pair.hearer {
        Some(seat) => {
            tokio::spawn(hold(open(address, seat).await, None, Some(ear)));
            tokio::spawn(hold(sender, voice, None));
        }
        None => {
            tokio::spawn(hold(sender, voice, Some(ear)));
        }
    }
    Voice { say, sent }
}

async fn open(address: &str, seat: &Seat) -> Socket {
    let mut socket = sockets::connect(address, &seat.path, seat.token.as_deref()).await;
    if let Some(topic) = &seat.topic {
        sockets::subscribe(&mut socket, topic).await;
    }
    socket
}

/// Takes down when the frame comes that it listens for.
struct Ear {
    heard: String,
    sent: Sent,
    shared: Arc<Shared>,
}

impl Ear {
    fn hear(&self, text: &str) {
        if !text.contains(&self.heard) {
            return;
        }
        let from = self.sent.lock().expect("nobody panics with it").pop_front().expect("what is heard was said");
        drive::record(&mut self.shared.latencies.lock().expect("nobody panics with it"), from.elapsed());
        self.shared.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Holds a connection: says its frame whenever it is told to, and listens.
async fn hold(mut socket: Socket, voice: Option<(mpsc::UnboundedReceiver<()>, String)>, ear: Option<Ear>) {
    let (mut said, frame) = voice.map_or_else(|| (None, String::new()), |(said, frame)| (Some(said), frame));
    loop {
        let say = async {
            match &mut said {
                Some(said) => said.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            order = say => {
                if order.is_none() {
                    return; // nobody gives orders any more
                }
                socket.send(Message::text(frame.clone())).await.expect("the line is open");
            }
            message = socket.next() => match message.expect("the line is open").expect("a frame") {
                Message::Text(text) => {
                    assert!(!text.starts_with("{\"type\":\"error\""), "{text}");
                    if let Some(ear) = &ear {
                        ear.hear(&text);
                    }
                }
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?} is no text"),
            },
        }
    }
}

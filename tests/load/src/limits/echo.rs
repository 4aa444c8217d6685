//! An actix-web-actors server whose connections send back what they get, in a process of its own.

use actix::{Actor, StreamHandler};
use actix_web::{App, Error, HttpRequest, HttpResponse, HttpServer, web};
use actix_web_actors::ws::{self, Message, ProtocolError, WebsocketContext};

use consilium_tests::memory;

use super::Process;

struct Echo;

impl Actor for Echo {
    type Context = WebsocketContext<Self>;
}

impl StreamHandler<Result<Message, ProtocolError>> for Echo {
    fn handle(&mut self, message: Result<Message, ProtocolError>, context: &mut Self::Context) {
        match message {
            Ok(Message::Text(text)) => context.text(text),
            Ok(Message::Ping(bytes)) => context.pong(&bytes),
            _ => {}
        }
    }
}

/// Serves until it is killed; prints its address first. What `load limit-echo` does.
pub fn serve() -> std::io::Result<()> {
    actix_rt::System::new().block_on(async {
        let server = HttpServer::new(|| {
            App::new().route("/", web::get().to(open)).route("/allocated", web::get().to(allocated))
        })
        .bind(("127.0.0.1", 0))?;
        println!("http://{}", server.addrs()[0]);
        server.run().await
    })
}

async fn open(request: HttpRequest, payload: web::Payload) -> Result<HttpResponse, Error> {
    ws::start(Echo, &request, payload)
}

/// Bytes in use, as a number.
async fn allocated() -> String {
    memory::allocated().unwrap_or_default().to_string()
}

/// Starts one.
pub async fn start() -> Process {
    Process::start("limit-echo").await
}

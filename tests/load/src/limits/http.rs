//! An actix-web server with an empty handler, in a process of its own.

use actix_web::{App, HttpResponse, HttpServer, web};

use super::Process;

/// Serves until it is killed; prints its address first. What `load limit-http` does.
pub fn serve() -> std::io::Result<()> {
    actix_rt::System::new().block_on(async {
        let server = HttpServer::new(|| App::new().route("/", web::get().to(empty))).bind(("127.0.0.1", 0))?;
        println!("http://{}", server.addrs()[0]);
        server.run().await
    })
}

async fn empty() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body("{}")
}

/// Starts one.
pub async fn start() -> Process {
    Process::start("limit-http").await
}

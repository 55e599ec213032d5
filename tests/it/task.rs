//! To come.

use crate::support::App;

#[tokio::test]
async fn smoke() {
    let t = std::time::Instant::now();
    let app = App::spawn().await;
    eprintln!("spawn {:?}", t.elapsed());
    let case = app.closed().await;
    eprintln!("closed {:?}", t.elapsed());
    eprintln!("{}", app.resident("li").complaint(&case).await);
    eprintln!("drained {}", app.drain().await);
    eprintln!("{:?}", t.elapsed());
}

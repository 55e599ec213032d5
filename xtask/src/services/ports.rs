//! TCP ports on this machine.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};

use crate::failure::{Context, Failure, Result};

/// A port that nobody listens on right now.
pub fn free() -> Result<u16> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context(|| "找空闲端口".to_owned())?;
    Ok(listener.local_addr()?.port())
}

/// Refuses a port that somebody listens on, with a free one to use instead.
pub fn check(port: u16) -> Result {
    // On all addresses: a listener on any single one of them is in the way, too.
    match TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            let other = free()?;
            Err(Failure::new(format!(
                "端口 {port} 已被别的程序占用。换一个端口再运行：cargo xtask run --port {other}"
            )))
        }
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(Failure::new(format!(
            "当前用户无权使用端口 {port}（小于 1024）。换一个：cargo xtask run --port 8080"
        ))),
        Err(error) => Err(Failure::new(format!("端口 {port} 不可用：{error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_port_is_named_with_a_way_on() {
        let busy = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = busy.local_addr().unwrap().port();
        let Err(Failure::Told(message)) = check(port) else { panic!("{port} is busy") };
        assert!(message.contains(&format!("端口 {port} ")), "{message}");
        assert!(message.contains("--port"), "{message}");
    }

    #[test]
    fn a_free_port_passes() {
        check(free().unwrap()).unwrap();
    }
}

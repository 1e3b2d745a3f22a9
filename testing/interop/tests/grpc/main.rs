//! gRPC's own clients reach services through HTTP/1.1, and through proxies that know nothing else.

mod idle;
mod moby;
mod refused;
mod ways;

/// nginx's usual lines for upgrades.
const USUAL: &str = "proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;";

//! A type's methods as a service.

use std::sync::atomic::{AtomicI64, Ordering::SeqCst};

use hijack::rpc::{self, Client, Config, Context, Fault, Json, Methods, Origin, RegisterError, Server};

#[derive(Debug, Default)]
struct Counter {
    count: AtomicI64,
}

impl Counter {
    async fn add(&self, _: Context, more: i64) -> Result<i64, Fault> {
        Ok(self.count.fetch_add(more, SeqCst) + more)
    }

    async fn name(&self, context: Context, (): ()) -> Result<String, Fault> {
        Ok(context.method().to_owned())
    }
}

rpc::service! {
    Counter {
        "Add" => add(i64) -> i64,
        "Name" => name(()) -> String,
    }
}

#[tokio::test]
async fn a_service_has_its_methods_under_its_name_or_another() {
    let mut methods = Methods::<Json>::new();
    methods.service(Counter::default()).expect("a name of its own");
    methods.service_as("other.Counter", Counter::default()).expect("a name of its own");
    assert_eq!(
        methods.service(Counter::default()).map(drop),
        Err(RegisterError::Duplicate("Counter.Add".into()))
    );
    let server = Server::new(methods);
    let (ours, theirs) = tokio::io::duplex(1024);
    tokio::spawn(async move { server.serve_stream(theirs, Origin::unknown()).await });
    let client = Client::over(ours, &Json, Config::default());
    for (method, more, sum) in [("Counter.Add", 3, 3), ("Counter.Add", 4, 7), ("other.Counter.Add", 1, 1)] {
        assert_eq!(client.call::<i64>(method, &more).await.expect("a sum"), sum);
    }
    let name: String = client.call("other.Counter.Name", &()).await.expect("a name");
    assert_eq!(name, "other.Counter.Name");
}

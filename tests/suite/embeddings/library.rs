//! The library in programs that are not written around tokio.

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::Thread,
    time::Duration,
};

use tailmint::connection::{ConnectTo, Trust};
use tailmint::{KeyProperties, Minter};
use tailmint_simulator::{Endpoint, Fault};

use crate::world::World;

fn minter(world: &World) -> Minter {
    let to: ConnectTo = world.simulator.address().to_string().parse().unwrap();
    Minter::builder()
        .trust(Trust::pem_file(world.path().join("ca.pem")).unwrap())
        .connect_to(to)
        .build()
        .unwrap()
}

fn tazpod() -> KeyProperties {
    KeyProperties::for_tags(vec!["tag:tazpod".parse().unwrap()])
}

/// Another runtime: polls on the thread that it is called on, and parks between.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}

#[test]
fn calls_are_tasks_that_run_at_once() {
    let world = World::new();
    let minter = Arc::new(minter(&world));
    // As long as one key is made, others are asked for.
    let delay = Fault::Delay(Duration::from_millis(20));
    world.simulator.misbehave(Endpoint::Keys, delay, 40);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    // More than there are connections.
    let tasks: Vec<_> = (0..40)
        .map(|_| {
            let (minter, credential) = (Arc::clone(&minter), world.account());
            runtime.spawn(async move { minter.mint(&credential, &tazpod()).await })
        })
        .collect();
    for task in tasks {
        runtime.block_on(task).unwrap().unwrap();
    }
    assert_eq!(world.simulator.live_keys().len(), 40);
    let connections = world.simulator.connections();
    assert!((2..=17).contains(&connections), "{connections}");
}

#[test]
fn a_minter_is_shared_by_threads_of_another_runtime() {
    fn shared<T: Send + Sync>(value: T) -> Arc<T> {
        Arc::new(value)
    }

    let world = World::new();
    let minter = shared(minter(&world));
    // Time and sockets are tokio's, on a thread of its own.
    let tokio = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let _guard = tokio.enter();
                let (credential, key) = (world.account(), tazpod());
                block_on(minter.mint(&credential, &key)).unwrap();
            });
        }
    });
    assert_eq!(world.simulator.live_keys().len(), 4);
}

#[tokio::test]
async fn a_call_that_is_dropped_leaves_the_minter_as_it_was() {
    let world = World::new();
    let minter = minter(&world);
    let (credential, key) = (world.account(), tazpod());
    world
        .simulator
        .misbehave(Endpoint::Token, Fault::Silence, 1);
    let mint = || minter.mint(&credential, &key);
    let dropped = tokio::time::timeout(Duration::from_millis(200), mint()).await;
    assert!(dropped.is_err(), "it ended by itself");
    mint().await.unwrap();
    assert_eq!(world.simulator.keys().len(), 1);
}

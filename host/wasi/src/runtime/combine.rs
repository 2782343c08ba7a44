//! Two futures in one task.

use core::future::{Future, poll_fn};
use core::pin::{Pin, pin};
use core::task::Poll;

/// What came first.
pub(crate) enum Either<A, B> {
    /// The first one, also if both are there.
    First(A),
    /// The other one.
    Second(B),
}

/// Whichever is there first. The other one is dropped.
pub(crate) async fn either<A, B>(
    first: impl Future<Output = A>,
    second: impl Future<Output = B>,
) -> Either<A, B> {
    pinned(pin!(first).as_mut(), pin!(second).as_mut()).await
}

/// Whichever is there first. The other one can go on.
pub(crate) async fn pinned<A, B>(
    mut first: Pin<&mut impl Future<Output = A>>,
    mut second: Pin<&mut impl Future<Output = B>>,
) -> Either<A, B> {
    poll_fn(|context| {
        if let Poll::Ready(value) = first.as_mut().poll(context) {
            return Poll::Ready(Either::First(value));
        }
        second.as_mut().poll(context).map(Either::Second)
    })
    .await
}

/// Both, at the same time.
pub(crate) async fn both<A, B>(
    first: impl Future<Output = A>,
    second: impl Future<Output = B>,
) -> (A, B) {
    let mut first = pin!(first);
    let mut second = pin!(second);
    match pinned(first.as_mut(), second.as_mut()).await {
        Either::First(value) => (value, second.await),
        Either::Second(value) => (first.await, value),
    }
}

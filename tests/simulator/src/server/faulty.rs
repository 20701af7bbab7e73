use std::{
    io,
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What to write instead of the next answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Interruption(Arc<Mutex<Option<Vec<u8>>>>);

impl Interruption {
    /// Writes these bytes in place of what HTTP would write next, and then ends
    /// the connection.
    pub(super) fn write_instead(&self, bytes: Vec<u8>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(bytes);
    }
}

/// A stream that can be interrupted below HTTP.
pub(super) struct Faulty<S> {
    stream: S,
    interruption: Interruption,
}

impl<S> Faulty<S> {
    pub(super) fn new(stream: S, interruption: Interruption) -> Self {
        Self {
            stream,
            interruption,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Faulty<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        pin!(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Faulty<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let mut interruption = this
            .interruption
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let Some(bytes) = interruption.as_mut() else {
            drop(interruption);
            return pin!(&mut this.stream).poll_write(context, buffer);
        };
        while !bytes.is_empty() {
            let written = ready!(pin!(&mut this.stream).poll_write(context, bytes))?;
            bytes.drain(..written);
        }
        ready!(pin!(&mut this.stream).poll_flush(context))?;
        Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        pin!(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        pin!(&mut self.stream).poll_shutdown(context)
    }
}

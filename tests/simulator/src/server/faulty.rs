use std::{
    io,
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::server::TlsStream;

use crate::Ending;

/// What to write instead of the next answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Interruption(Arc<Mutex<Option<Instead>>>);

#[derive(Debug)]
struct Instead {
    bytes: Vec<u8>,
    written: usize,
    ending: Ending,
}

impl Interruption {
    /// Writes these bytes in place of what HTTP would write next, and nothing of
    /// HTTP after that.
    pub(super) fn write_instead(&self, bytes: Vec<u8>, ending: Ending) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instead {
            bytes,
            written: 0,
            ending,
        });
    }
}

/// A stream whose end can be a reset.
pub(super) trait Reset {
    /// Resets the connection when it is dropped.
    fn reset(&self) -> io::Result<()>;
}

impl Reset for TlsStream<TcpStream> {
    fn reset(&self) -> io::Result<()> {
        self.get_ref().0.set_zero_linger()
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

impl<S: AsyncWrite + Reset + Unpin> AsyncWrite for Faulty<S> {
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
        let Some(instead) = interruption.as_mut() else {
            drop(interruption);
            return pin!(&mut this.stream).poll_write(context, buffer);
        };
        loop {
            while instead.written < instead.bytes.len() {
                let rest = &instead.bytes[instead.written..];
                instead.written += ready!(pin!(&mut this.stream).poll_write(context, rest))?;
            }
            ready!(pin!(&mut this.stream).poll_flush(context))?;
            match instead.ending {
                Ending::Close => break,
                Ending::Repeat => instead.written = 0,
                Ending::Reset => {
                    this.stream.reset()?;
                    break;
                }
                // Until the runtime ends.
                Ending::Stall => return Poll::Pending,
            }
        }
        Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        pin!(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        pin!(&mut self.stream).poll_shutdown(context)
    }
}

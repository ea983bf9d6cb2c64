//! The validator of NLnet Labs' crate `domain`, fed from the same octets.

use std::collections::HashMap;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use domain::base::Message;
use domain::dnssec::validator::anchor::TrustAnchors;
use domain::dnssec::validator::context::{Config, ValidationContext, ValidationState};
use domain::net::client::request::{
    ComposeRequest, Error, GetResponse, RequestMessage, SendRequest,
};

use crate::chain::Chain;

/// The chain as it sees it.
pub struct Rival {
    anchor: Vec<u8>,
    answer: Bytes,
    replies: Replies,
}

/// By owner without the final dot, and type.
#[derive(Clone, Debug)]
struct Replies(Arc<HashMap<(String, u16), Bytes>>);

#[derive(Debug)]
struct Response(Option<Bytes>);

/// What it knows: at first nothing.
pub struct Memory(ValidationContext<Replies>);

impl Rival {
    pub fn new(chain: &Chain) -> Self {
        let replies = chain.replies.iter().map(|(question, reply)| {
            let owner = question.owner.to_host();
            let key = (owner.trim_end_matches('.').to_owned(), question.rtype.0);
            (key, Bytes::from(reply.clone()))
        });
        Self {
            anchor: chain.anchor.clone().into_bytes(),
            answer: Bytes::from(chain.replies[&chain.question].clone()),
            replies: Replies(Arc::new(replies.collect())),
        }
    }

    /// To set up its empty caches takes it less than a tenth of the time of a cold chain.
    pub fn memory(&self) -> Memory {
        let anchors = TrustAnchors::from_u8(&self.anchor).expect("an anchor");
        let mut config = Config::new();
        // Else the second time it would not verify the signature of the answer.
        config.set_max_usig_cache(1);
        Memory(ValidationContext::with_config(
            anchors,
            self.replies.clone(),
            config,
        ))
    }

    pub fn validate(&self, memory: &Memory) -> ValidationState {
        let mut answer = Message::from_octets(self.answer.clone()).expect("a message");
        let validation = memory.0.validate_msg::<_, Vec<u8>>(&mut answer);
        finish(validation).expect("it judges").0
    }

    /// Whether it comes to what we come to; it does not count algorithm 15.
    pub fn is_secure(&self) -> bool {
        self.validate(&self.memory()) == ValidationState::Secure
    }
}

impl SendRequest<RequestMessage<Vec<u8>>> for Replies {
    fn send_request(&self, request: RequestMessage<Vec<u8>>) -> Box<dyn GetResponse + Send + Sync> {
        let message = request.to_message().expect("a request");
        let question = message.first_question().expect("a question");
        let owner = question.qname().to_string();
        let key = (
            owner.trim_end_matches('.').to_owned(),
            question.qtype().to_int(),
        );
        Box::new(Response(self.0.get(&key).cloned()))
    }
}

impl GetResponse for Response {
    fn get_response(
        &mut self,
    ) -> Pin<Box<dyn Future<Output = Result<Message<Bytes>, Error>> + Send + Sync + '_>> {
        let reply = self.0.take().ok_or(Error::ConnectionClosed);
        let message = reply.map(|reply| Message::from_octets(reply).expect("a message"));
        Box::pin(std::future::ready(message))
    }
}

/// Everything is there at once, so nobody ever has to wake it.
fn finish<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(result) = future.as_mut().poll(&mut context) {
            return result;
        }
    }
}

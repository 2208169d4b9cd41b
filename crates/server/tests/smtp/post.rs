//! aiosmtpd, started on a free port and ended with the test.

use serde::Deserialize;
use testkit::tool::{Package, Tool};

const AIOSMTPD: Package = Package { name: "aiosmtpd", variable: "SHIPWHEN_AIOSMTPD_PYTHON" };

/// Serves here alone, says where, and writes a line for each mail that it takes. What it answers is in the address: `busy-rcpt-2`
/// is refused for now twice, `busy-data-1` once and only when all of the mail is there, `never-rcpt` and `never-data` for good;
/// of `cut-1` the talk breaks off once after the mail was taken.
const START: &str = "
import asyncio, collections, email, email.policy, json, socket
from aiosmtpd.smtp import SMTP

said = collections.Counter()

def left(address, what):
    name = address.split('@')[0]
    if not name.startswith(what):
        return False
    most = int(name.rsplit('-', 1)[1])
    said[name] += 1
    return said[name] <= most

class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if left(address, 'busy-rcpt'):
            return '451 4.7.1 come back later'
        if address.startswith('never-rcpt'):
            return '550 5.1.1 nobody of that name'
        envelope.rcpt_tos.append(address)
        return '250 2.1.5 ok'

    async def handle_DATA(self, server, session, envelope):
        to = envelope.rcpt_tos[0]
        if left(to, 'busy-data'):
            return '452 4.3.1 no room now'
        if to.startswith('never-data'):
            return '554 5.6.0 not this'
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        forms = [part.get_content_type() for part in mail.walk() if not part.is_multipart()]
        taken = {'to': to, 'id': mail['message-id'], 'subject': mail['subject'], 'forms': forms}
        print(json.dumps(taken), flush=True)
        if left(to, 'cut'):
            server.transport.abort()
        return '250 2.0.0 taken'

async def main():
    here = socket.socket()
    here.bind(('127.0.0.1', 0))
    loop = asyncio.get_running_loop()
    served = await loop.create_server(lambda: SMTP(Handler(), hostname='office.test', loop=loop), sock=here)
    print(here.getsockname()[1], flush=True)
    await served.serve_forever()

asyncio.run(main())
";

/// A mail that was taken.
#[derive(Debug, Deserialize)]
pub(crate) struct Taken {
    pub(crate) to: String,
    pub(crate) id: String,
    pub(crate) subject: String,
    pub(crate) forms: Vec<String>,
}

pub(crate) struct PostOffice {
    tool: Option<Tool>,
    pub(crate) url: String,
}

impl PostOffice {
    pub(crate) fn open() -> Self {
        let tool = AIOSMTPD.start(START);
        Self { url: format!("smtp://127.0.0.1:{}", tool.port), tool: Some(tool) }
    }

    /// One that nobody serves any more.
    pub(crate) fn at(url: &str) -> Self {
        Self { tool: None, url: url.to_owned() }
    }

    /// Ends it; answers every mail that it took, in order.
    pub(crate) fn close(self) -> Vec<Taken> {
        let mut text = String::new();
        if let Some(tool) = self.tool {
            tool.close(&mut text);
        }
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

// A mail server for tests. It tells of each mail in a line, as a reader would see it, and of each client that it refuses.
import PostalMime from 'postal-mime';
import { SMTPServer } from 'smtp-server';

const server = new SMTPServer({
  // Without a certificate that anybody would trust, there is no TLS to offer.
  hideSTARTTLS: true,
  allowInsecureAuth: true,
  authMethods: ['PLAIN', 'LOGIN'],
  onAuth({ username, password }, _, done) {
    const isKnown = username === 'shop' && password === 'pass@word';
    if (!isKnown) console.log(`refused ${username}`);
    done(isKnown ? null : new Error('unknown user'), { user: username });
  },
  onData(stream, session, done) {
    const parts = [];
    stream.on('data', (part) => parts.push(part));
    stream.on('end', async () => {
      const { from, to, subject, text } = await PostalMime.parse(Buffer.concat(parts));
      const envelope = session.envelope.rcptTo.map(({ address }) => address);
      console.log(`mail ${JSON.stringify({ user: session.user, envelope, from, to, subject, text })}`);
      done();
    });
  },
});
server.on('error', () => {});
server.listen(0, '127.0.0.1', () => console.log(`listening 127.0.0.1:${server.server.address().port}`));
// Whoever started it has ended.
process.stdin.on('end', () => process.exit()).resume();

// Subscriptions as graphql-ws, graphql-sse and Apollo's clients use them, and what the two protocols ask of a server.
import { strict as assert } from 'node:assert';
import { createClient as createSocket } from 'graphql-ws';
import { createClient as createEvents } from 'graphql-sse';
import WebSocket from 'ws';

const CHANGED = 'subscription { tagChanged(stage: DRAFT) { position kind entry { id name } } }';
const PROTOCOL = 'graphql-transport-ws';
const PATIENCE = 10_000;

const within = (promise, what) => {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`it takes too long: ${what}`)), PATIENCE)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};

export async function subscriptions(url, headers) {
  const of = { url, headers, socket: url.replace(/^http/, 'ws') };
  const checks = { ...socketChecks(of), ...eventChecks(of) };
  for (const [name, check] of Object.entries(checks)) {
    try {
      await within(check(), name);
    } catch (error) {
      throw new Error(`${name}: ${error.stack ?? error}`);
    }
  }
  return `${Object.keys(socketChecks(of)).length} checks of WebSockets, ${Object.keys(eventChecks(of)).length} of events`;
}

let made = 0;
const ask = async ({ url, headers }, query, variables) => {
  const response = await fetch(url, { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify({ query, variables }) });
  const { data, errors } = await response.json();
  assert.equal(errors, undefined);
  return data;
};
const tag = async (of) => {
  const name = `Conformance ${Date.now()} ${made++}`;
  const { createTag } = await ask(of, 'mutation ($name: String!) { createTag(input: { name: $name }) { id revision name } }', { name });
  return createTag;
};
const untag = (of, { id, revision }) => ask(of, 'mutation ($id: ID!, $revision: Int!) { deleteTag(id: $id, revision: $revision) }', { id, revision });

/// A bare connection: its messages in order, and how it was closed.
class Raw {
  constructor({ socket }, protocol = PROTOCOL, options = {}) {
    this.messages = [];
    this.waiting = [];
    this.socket = new WebSocket(socket, protocol, options);
    this.opened = new Promise((resolve, reject) => this.socket.once('open', resolve).once('error', reject));
    this.closed = new Promise((resolve) => this.socket.once('close', (code, reason) => resolve([code, String(reason)])));
    this.socket.on('message', (data) => {
      const message = JSON.parse(data);
      const next = this.waiting.shift();
      next ? next(message) : this.messages.push(message);
    });
  }
  async say(message) {
    await this.opened;
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }
  hear() {
    return this.messages.length ? Promise.resolve(this.messages.shift()) : new Promise((resolve) => this.waiting.push(resolve));
  }
  static async acknowledged(of, payload = of.headers) {
    const raw = new Raw(of);
    await raw.say({ type: 'connection_init', payload });
    assert.deepEqual(await raw.hear(), { type: 'connection_ack' });
    return raw;
  }
  async subscribe(id, query, more = {}) {
    await this.say({ type: 'subscribe', id, payload: { query, ...more } });
  }
}

const closes = (of, code, ...messages) => async () => {
  const raw = new Raw(of);
  for (const message of messages) await raw.say(message);
  assert.equal((await raw.closed)[0], code);
};
const INIT = { type: 'connection_init' };

function socketChecks(of) {
  const client = (more = {}) => createSocket({ url: of.socket, webSocketImpl: WebSocket, connectionParams: of.headers, retryAttempts: 0, ...more });
  const answer = async (payload) => {
    const socket = client();
    const results = [];
    for await (const result of socket.iterate(payload)) results.push(result);
    await socket.dispose();
    return results;
  };
  return {
    'the subprotocol is confirmed': async () => {
      const raw = new Raw(of);
      await raw.opened;
      assert.equal(raw.socket.protocol, PROTOCOL);
      raw.socket.close();
    },
    'another subprotocol is closed with 4406': async () => assert.equal((await new Raw(of, 'graphql-ws').closed)[0], 4406),
    'what is not JSON is closed with 4400': closes(of, 4400, 'hello'),
    'a message without a type is closed with 4400': closes(of, 4400, {}),
    'an unknown type is closed with 4400': closes(of, 4400, { type: 'start' }),
    'a payload that is not an object is closed with 4400': closes(of, 4400, { type: 'connection_init', payload: 'token' }),
    'an id that is not a text is closed with 4400': closes(of, 4400, INIT, { type: 'subscribe', id: 1, payload: { query: '{ __typename }' } }),
    'an empty id is closed with 4400': closes(of, 4400, INIT, { type: 'subscribe', id: '', payload: { query: '{ __typename }' } }),
    'a query that is not a text is closed with 4400': closes(of, 4400, INIT, { type: 'subscribe', id: '1', payload: { query: {} } }),
    'variables that are no object are closed with 4400': closes(of, 4400, INIT, { type: 'subscribe', id: '1', payload: { query: '{ __typename }', variables: 'x' } }),
    'extensions that are no object are closed with 4400': closes(of, 4400, INIT, { type: 'subscribe', id: '1', payload: { query: '{ __typename }', extensions: 'x' } }),
    'an operation before the first message is closed with 4401': closes(of, 4401, { type: 'subscribe', id: '1', payload: { query: '{ __typename }' } }),
    'a token that is not valid is closed with 4403': closes(of, 4403, { type: 'connection_init', payload: { authorization: 'Bearer nonsense' } }),
    'silence is closed with 4408': async () => assert.equal((await new Raw(of).closed)[0], 4408),
    'a second first message is closed with 4429': closes(of, 4429, INIT, INIT),
    'an id in use is closed with 4409': closes(of, 4409, { ...INIT, payload: of.headers }, { type: 'subscribe', id: '1', payload: { query: CHANGED } }, { type: 'subscribe', id: '1', payload: { query: CHANGED } }),
    'an id can be used again once its operation is complete': async () => {
      const raw = await Raw.acknowledged(of);
      for (let round = 0; round < 2; round++) {
        await raw.subscribe('1', '{ __typename }');
        const next = await raw.hear();
        assert.deepEqual([next.type, next.id, next.payload.data], ['next', '1', { __typename: 'Query' }]);
        assert.deepEqual(await raw.hear(), { type: 'complete', id: '1' });
      }
      raw.socket.close();
    },
    'a ping is answered with its payload, also before the acknowledgement': async () => {
      const raw = new Raw(of);
      await raw.say({ type: 'ping', payload: { n: 1 } });
      assert.deepEqual(await raw.hear(), { type: 'pong', payload: { n: 1 } });
      await raw.say({ type: 'pong' });
      await raw.say(INIT);
      assert.equal((await raw.hear()).type, 'connection_ack');
      raw.socket.close();
    },
    'a syntax error is an error of its operation': async () => {
      const raw = await Raw.acknowledged(of);
      await raw.subscribe('1', '{ tags(');
      const message = await raw.hear();
      assert.deepEqual([message.type, message.id, Array.isArray(message.payload)], ['error', '1', true]);
      await raw.subscribe('1', '{ __typename }');
      assert.equal((await raw.hear()).type, 'next', 'the connection goes on');
      raw.socket.close();
    },
    'an unknown field is an error of its operation': async () => {
      const raw = await Raw.acknowledged(of);
      await raw.subscribe('1', 'subscription { nothingChanged { id } }');
      const message = await raw.hear();
      assert.equal(message.payload[0].extensions.code, 'GRAPHQL_VALIDATION_FAILED');
      raw.socket.close();
    },
    'a completed subscription is told nothing more': async () => {
      const raw = await Raw.acknowledged(of);
      await raw.subscribe('1', CHANGED);
      await raw.say({ type: 'complete', id: '1' });
      await raw.say({ type: 'complete', id: 'unknown' });
      const made = await tag(of);
      await raw.subscribe('2', '{ __typename }');
      assert.equal((await raw.hear()).id, '2');
      await untag(of, made);
      raw.socket.close();
    },
    'graphql-ws runs a query': async () => assert.equal((await answer({ query: '{ __typename }' }))[0].data.__typename, 'Query'),
    'graphql-ws runs a mutation with variables': async () => {
      const query = 'mutation ($name: String!) { createTag(input: { name: $name }) { id revision } }';
      const [{ data }] = await answer({ query, variables: { name: `Conformance ${Date.now()} ws` } });
      await untag(of, data.createTag);
    },
    'graphql-ws picks the operation by its name': async () => {
      const [{ data }] = await answer({ query: 'query A { a: __typename } query B { b: __typename }', operationName: 'B' });
      assert.deepEqual(data, { b: 'Query' });
    },
    'graphql-ws is told of changes, of several operations on one connection': async () => {
      const socket = client({ keepAlive: 1_000 });
      const follow = async () => {
        for await (const { data } of socket.iterate({ query: CHANGED })) return data.tagChanged;
      };
      const both = Promise.all([follow(), follow()]);
      // Until both have begun, nothing can be missed but by chance: changes are made until both have heard.
      let heard = false;
      both.then(() => (heard = true));
      const tags = [];
      while (!heard) {
        tags.push(await tag(of));
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      for (const change of await both) assert.ok(tags.some(({ id }) => id === change.entry.id));
      await socket.dispose();
      for (const made of tags) await untag(of, made);
    },
    'graphql-ws resumes after a position': async () => {
      const made = await tag(of);
      const socket = client();
      for await (const { data } of socket.iterate({ query: CHANGED.replace('DRAFT', 'DRAFT, after: "0"') })) {
        if (data.tagChanged.entry?.id === made.id) break;
      }
      await socket.dispose();
      await untag(of, made);
    },
    'graphql-ws is refused with a token that is not valid': async () => {
      const socket = client({ connectionParams: { authorization: 'Bearer nonsense' } });
      const refused = await socket.iterate({ query: CHANGED }).next().catch((error) => error);
      assert.equal(refused.code, 4403);
    },
  };
}

function eventChecks(of) {
  const client = (more = {}) => createEvents({ url: of.url, headers: of.headers, retryAttempts: 0, ...more });
  const get = (query, headers = {}) => fetch(`${of.url}?${new URLSearchParams({ query })}`, { headers: { accept: 'text/event-stream', ...headers } });
  return {
    'a query over events is one event and the end': async () => {
      const response = await get('{ __typename }');
      assert.equal(response.status, 200);
      assert.match(response.headers.get('content-type'), /^text\/event-stream/);
      const text = await response.text();
      assert.match(text, /event: next\n(id: .*\n)?data: \{"data":\{"__typename":"Query"\}/);
      assert.match(text, /event: complete\n/);
    },
    'a mutation by GET is refused': async () => {
      const text = await (await get('mutation { createTag(input: { name: "By GET" }) { id } }', of.headers)).text();
      assert.match(text, /"code":"BAD_REQUEST"/);
      const { tags } = await ask(of, '{ tags(stage: DRAFT, filter: { name: { eq: "By GET" } }) { totalCount } }');
      assert.equal(tags.totalCount, 0);
    },
    'an error before the stream is told by the client': async () => {
      const results = [];
      const events = client();
      for await (const result of events.iterate({ query: '{ nothing }' })) results.push(result);
      assert.equal(results[0].errors[0].extensions.code, 'GRAPHQL_VALIDATION_FAILED');
    },
    'graphql-sse runs a query': async () => {
      for await (const { data } of client().iterate({ query: '{ __typename }' })) assert.equal(data.__typename, 'Query');
    },
    'graphql-sse is told of changes until it leaves': async () => {
      const made = await tag(of);
      const events = client();
      for await (const { data } of events.iterate({ query: CHANGED.replace('DRAFT', 'DRAFT, after: "0"') })) {
        if (data.tagChanged.entry?.id === made.id) break;
      }
      events.dispose();
      await untag(of, made);
    },
    'a token that is not valid is 401': async () => {
      assert.equal((await get(CHANGED, { authorization: 'Bearer nonsense' })).status, 401);
    },
  };
}

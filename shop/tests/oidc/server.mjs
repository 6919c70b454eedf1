// An OpenID Connect provider for tests. It signs in whoever `login_hint` names, with the claims that the test has given.
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const accounts = new Map();
const clients = [{
  client_id: 'shop',
  client_secret: 'a-secret-of-the-tests-only',
  redirect_uris: ['https://shop.example/auth/oidc/local/callback'],
}];

function provider(issuer) {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: 'RS256' };
  return new Provider(issuer, {
    clients,
    jwks: { keys: [key] },
    cookies: { keys: [randomUUID()] },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'], groups: ['groups'] },
    scopes: ['openid', 'email', 'profile', 'groups'],
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    conformIdTokenClaims: false,
    findAccount: (_, sub) => accounts.has(sub) && { accountId: sub, claims: (use) => claimsOf(sub, use) },
  });
}

// All of them are in the user info, but for those that a test puts into the ID token.
function claimsOf(sub, use) {
  const { in_id_token, ...claims } = accounts.get(sub);
  return { sub, ...(use === 'id_token' ? in_id_token : claims) };
}

// Logs in and agrees to everything.
async function interact(current, request, response) {
  const { params, prompt } = await current.interactionDetails(request, response);
  if (params.login_hint === 'refuses') {
    return current.interactionFinished(request, response, { error: 'access_denied' });
  }
  if (prompt.name === 'login') {
    return current.interactionFinished(request, response, { login: { accountId: params.login_hint } });
  }
  const grant = new current.Grant({ accountId: params.login_hint, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  return current.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
}

async function body(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  return JSON.parse(text);
}

let current;
let asked = 0;
// Whose the user info is from then on, whoever asks.
let stranger;
const server = createServer(async (request, response) => {
  if (request.url === '/test/account') {
    const { sub, ...claims } = await body(request);
    accounts.set(sub, claims);
    response.end();
  } else if (request.url === '/test/rotate') {
    current = provider(current.issuer);
    response.end();
  } else if (request.url === '/test/stranger') {
    stranger = await body(request);
    response.end();
  } else if (request.url === '/me' && stranger) {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(stranger));
  } else if (request.url === '/test/asked') {
    response.end(String(asked));
  } else if (request.url.startsWith('/interaction/')) {
    await interact(current, request, response);
  } else {
    if (request.url.startsWith('/.well-known/')) asked += 1;
    await current.callback()(request, response);
  }
});
server.listen(0, '127.0.0.1', () => {
  const address = `127.0.0.1:${server.address().port}`;
  current = provider(`http://${address}`);
  console.log(`listening ${address}`);
});
// The test that started it holds its input, and has ended when that ends.
process.stdin.on('end', () => process.exit(0)).resume();

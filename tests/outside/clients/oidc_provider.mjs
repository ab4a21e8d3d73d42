// Somebody else's OpenID provider: `node oidc_provider.mjs PORT REDIRECT AFTER_LOGOUT ENDED`. Whoever says any name at
// its own sign-in page is that person, with an address that is verified and the role that stands before the @.
import Provider from 'oidc-provider';

const [port, redirect, afterLogout, ended] = process.argv.slice(2);
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{
    client_id: 'portico',
    client_secret: 'a secret for tests',
    redirect_uris: [redirect],
    post_logout_redirect_uris: [afterLogout],
    backchannel_logout_uri: ended,
    backchannel_logout_session_required: true,
  }],
  claims: { openid: ['sub', 'sid'], email: ['email', 'email_verified'], profile: ['groups'] },
  cookies: { keys: ['a key for tests'] },
  features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true }, backchannelLogout: { enabled: true } },
  fetch: (url, options) => fetch(url, { ...options, dispatcher: undefined }),
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: id, email_verified: true, groups: [id.split('@')[0]] }),
  }),
});
for (const event of ['server_error', 'authorization.error', 'grant.error', 'backchannel.error', 'backchannel.success']) {
  provider.on(event, (...what) => console.error(event, ...what.filter((each) => each instanceof Error).map(String)));
}
provider.listen(Number(port), '127.0.0.1', () => console.log('listening'));

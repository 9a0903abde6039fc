/** The page that takes the access token, with what it has to say. */
export const signInPage = (message = ''): string => `<!doctype html>
<html lang="en">
  <meta charset="utf-8" />
  <title>Codec server</title>
  <h1>Codec server</h1>
  <p>Sign in, so that Temporal's Web UI in this browser shows what is encrypted.</p>
  <form method="post" action="">
    <label>Access token <input type="password" name="token" autocomplete="current-password" required /></label>
    <button>Sign in</button>
  </form>
  <p role="status">${message}</p>
</html>
`;

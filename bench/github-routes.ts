// A public API as its users know it: paths of GitHub's REST API (https://docs.github.com/rest), written from its documentation.

/** `GET /users/{user}` … */
export function listGitHubRoutes(): { method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'; path: string }[] {
  return LINES.trim()
    .split('\n')
    .flatMap((line) => {
      const [letters = '', path = ''] = line.trim().split(' ');
      return Array.from(letters, (letter) => ({ method: methodOf(letter), path }));
    });
}

function methodOf(letter: string): 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' {
  switch (letter) {
    case 'g':
      return 'GET';
    case 'p':
      return 'POST';
    case 'u':
      return 'PUT';
    case 'a':
      return 'PATCH';
    case 'd':
      return 'DELETE';
    default:
      throw new Error(`no method begins with ${letter}`);
  }
}

const LINES = `
  g /
  g /events
  g /feeds
  g /emojis
  g /meta
  g /rate_limit
  g /zen
  gp /gists
  g /gists/public
  g /gists/starred
  gad /gists/{gist_id}
  gp /gists/{gist_id}/comments
  gad /gists/{gist_id}/comments/{comment_id}
  g /gists/{gist_id}/commits
  gp /gists/{gist_id}/forks
  gud /gists/{gist_id}/star
  g /issues
  g /licenses
  g /licenses/{license}
  p /markdown
  p /markdown/raw
  gu /notifications
  ga /notifications/threads/{thread_id}
  gud /notifications/threads/{thread_id}/subscription
  g /organizations
  ga /orgs/{org}
  g /orgs/{org}/events
  gp /orgs/{org}/hooks
  gad /orgs/{org}/hooks/{hook_id}
  g /orgs/{org}/issues
  g /orgs/{org}/members
  gd /orgs/{org}/members/{username}
  g /orgs/{org}/public_members
  gud /orgs/{org}/public_members/{username}
  gp /orgs/{org}/repos
  gp /orgs/{org}/teams
  gad /orgs/{org}/teams/{team_slug}
  g /orgs/{org}/teams/{team_slug}/members
  gud /orgs/{org}/teams/{team_slug}/repos/{owner}/{repo}
  gad /repos/{owner}/{repo}
  g /repos/{owner}/{repo}/actions/artifacts
  gd /repos/{owner}/{repo}/actions/artifacts/{artifact_id}
  g /repos/{owner}/{repo}/actions/runs
  gd /repos/{owner}/{repo}/actions/runs/{run_id}
  p /repos/{owner}/{repo}/actions/runs/{run_id}/cancel
  g /repos/{owner}/{repo}/actions/runs/{run_id}/jobs
  g /repos/{owner}/{repo}/actions/secrets
  gud /repos/{owner}/{repo}/actions/secrets/{secret_name}
  g /repos/{owner}/{repo}/assignees
  g /repos/{owner}/{repo}/assignees/{assignee}
  g /repos/{owner}/{repo}/branches
  g /repos/{owner}/{repo}/branches/{branch}
  gud /repos/{owner}/{repo}/branches/{branch}/protection
  p /repos/{owner}/{repo}/check-runs
  ga /repos/{owner}/{repo}/check-runs/{check_run_id}
  g /repos/{owner}/{repo}/collaborators
  gud /repos/{owner}/{repo}/collaborators/{username}
  g /repos/{owner}/{repo}/comments
  gad /repos/{owner}/{repo}/comments/{comment_id}
  g /repos/{owner}/{repo}/commits
  g /repos/{owner}/{repo}/commits/{ref}
  g /repos/{owner}/{repo}/commits/{ref}/status
  gp /repos/{owner}/{repo}/commits/{commit_sha}/comments
  g /repos/{owner}/{repo}/compare/{basehead}
  gud /repos/{owner}/{repo}/contents/*
  g /repos/{owner}/{repo}/contributors
  gp /repos/{owner}/{repo}/deployments
  gd /repos/{owner}/{repo}/deployments/{deployment_id}
  gp /repos/{owner}/{repo}/deployments/{deployment_id}/statuses
  g /repos/{owner}/{repo}/events
  gp /repos/{owner}/{repo}/forks
  p /repos/{owner}/{repo}/git/blobs
  g /repos/{owner}/{repo}/git/blobs/{file_sha}
  p /repos/{owner}/{repo}/git/commits
  g /repos/{owner}/{repo}/git/commits/{commit_sha}
  p /repos/{owner}/{repo}/git/refs
  ad /repos/{owner}/{repo}/git/refs/{ref}
  p /repos/{owner}/{repo}/git/trees
  g /repos/{owner}/{repo}/git/trees/{tree_sha}
  gp /repos/{owner}/{repo}/hooks
  gad /repos/{owner}/{repo}/hooks/{hook_id}
  p /repos/{owner}/{repo}/hooks/{hook_id}/pings
  gp /repos/{owner}/{repo}/issues
  ga /repos/{owner}/{repo}/issues/{issue_number}
  gp /repos/{owner}/{repo}/issues/{issue_number}/comments
  g /repos/{owner}/{repo}/issues/{issue_number}/events
  gpud /repos/{owner}/{repo}/issues/{issue_number}/labels
  d /repos/{owner}/{repo}/issues/{issue_number}/labels/{name}
  ud /repos/{owner}/{repo}/issues/{issue_number}/lock
  g /repos/{owner}/{repo}/issues/comments
  gad /repos/{owner}/{repo}/issues/comments/{comment_id}
  gp /repos/{owner}/{repo}/keys
  gd /repos/{owner}/{repo}/keys/{key_id}
  gp /repos/{owner}/{repo}/labels
  gad /repos/{owner}/{repo}/labels/{name}
  g /repos/{owner}/{repo}/languages
  p /repos/{owner}/{repo}/merges
  gp /repos/{owner}/{repo}/milestones
  gad /repos/{owner}/{repo}/milestones/{milestone_number}
  gp /repos/{owner}/{repo}/pulls
  ga /repos/{owner}/{repo}/pulls/{pull_number}
  gp /repos/{owner}/{repo}/pulls/{pull_number}/comments
  g /repos/{owner}/{repo}/pulls/{pull_number}/commits
  g /repos/{owner}/{repo}/pulls/{pull_number}/files
  gu /repos/{owner}/{repo}/pulls/{pull_number}/merge
  gp /repos/{owner}/{repo}/pulls/{pull_number}/reviews
  gud /repos/{owner}/{repo}/pulls/{pull_number}/reviews/{review_id}
  g /repos/{owner}/{repo}/readme
  gp /repos/{owner}/{repo}/releases
  g /repos/{owner}/{repo}/releases/latest
  gad /repos/{owner}/{repo}/releases/{release_id}
  g /repos/{owner}/{repo}/releases/{release_id}/assets
  g /repos/{owner}/{repo}/releases/tags/{tag}
  g /repos/{owner}/{repo}/stargazers
  g /repos/{owner}/{repo}/stats/commit_activity
  g /repos/{owner}/{repo}/stats/participation
  p /repos/{owner}/{repo}/statuses/{sha}
  g /repos/{owner}/{repo}/subscribers
  gud /repos/{owner}/{repo}/subscription
  g /repos/{owner}/{repo}/tags
  g /repos/{owner}/{repo}/teams
  gu /repos/{owner}/{repo}/topics
  g /repositories
  g /search/code
  g /search/commits
  g /search/issues
  g /search/repositories
  g /search/users
  ga /user
  gpd /user/emails
  g /user/followers
  g /user/following
  gud /user/following/{username}
  gp /user/keys
  gd /user/keys/{key_id}
  gp /user/repos
  g /user/starred
  gud /user/starred/{owner}/{repo}
  g /users
  g /users/{username}
  g /users/{username}/events
  g /users/{username}/followers
  g /users/{username}/following
  g /users/{username}/following/{target_user}
  g /users/{username}/gists
  g /users/{username}/keys
  g /users/{username}/orgs
  g /users/{username}/received_events
  g /users/{username}/repos
  g /users/{username}/starred
  g /users/{username}/subscriptions
`;

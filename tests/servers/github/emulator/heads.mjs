// What no proxy in front of the emulator could add: at GitHub the head of an open pull request is the head of its
// branch. The emulator keeps the one that it was opened with, and would merge that. All places where it moves a
// branch are made to tell the pull requests; where they are not found as expected, it does not start.
import { registerHooks } from "node:module";

const FOLLOW = `
function headsFollow(gh, repo, branch, sha) {
  for (const pull of gh.pullRequests.findBy("head_repo_id", repo.id)) {
    if (pull.state === "open" && pull.head_ref === branch) gh.pullRequests.update(pull.id, { head_sha: sha });
  }
}
`;
const MOVES = [
  ["if (branch) gh.branches.update(branch.id, { sha: newSha });", "headsFollow(gh, repo, branchName, newSha);"],
  ["gh.branches.update(branch.id, { sha: saved.sha });", "headsFollow(gh, repo, branchName, saved.sha);"],
  ["gh.branches.update(existing.id, { sha });", "headsFollow(gh, repo, existing.name, sha);"],
];

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    const source = Buffer.from(loaded.source ?? "").toString();
    if (!source.includes("function updateBranchSha(gh,")) return loaded;
    let changed = source;
    for (const [move, follow] of MOVES) {
      if (source.split(move).length !== 2) throw new Error(`the emulator moves branches otherwise: ${move}`);
      changed = changed.replace(move, `${move} ${follow}`);
    }
    return { ...loaded, source: changed + FOLLOW };
  },
});

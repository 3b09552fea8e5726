// What repeats one cell somewhere else: in virtual environments, in Docker, and as one program. Text, for others to run.
const shell = (text) => (/^[\w./=+:-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
const folder = (id) => id.replace(/[^\w.+-]/g, "_");
const terminator = (text) => {
  let end = "END";
  while (text.split("\n").includes(end)) end += "_";
  return end;
};
const written = (name, text) => {
  const end = terminator(text);
  return `cat > ${shell(name)} <<'${end}'\n${text.replace(/\n?$/, "\n")}${end}\n`;
};
// The names that a cell's programs go by, and all that they need.
const recipe = (one) => {
  const { data } = state, [old, next] = [one.writer, one.reader].map((id) => state.environments[place(id)]);
  const load = data.loads[`${one.variant}/${one.format}/`], remedy = one.remedy && data.loads[`${one.variant}/${one.format}/${one.remedy}`];
  const source = data.sources[one.scenario];
  if (!load || !old.lock || !next.lock || source === undefined) return null;
  const name = [one.writer, one.reader, one.scenario, one.variant, one.format].join("/");
  return { name, old, next, source, save: data.saves[`${one.variant}/${one.format}`], load, remedy: remedy || "" };
};
const files = ({ old, next, source, save, load, remedy }) => [
  written("scenario.py", source), written("save.py", save), written("load.py", load), remedy ? written("remedy.py", remedy) : "",
  written(`${folder(old.id)}.txt`, old.lock), old === next ? "" : written(`${folder(next.id)}.txt`, next.lock)].join("");
const heading = (made, needs) => `# ${made.name.replace(/[^\w./+-]/g, "_")}: save in one environment, load in the other. Needs ${needs}.\nset -e\nmkdir -p cell\ncd cell\n`;
const INSTEAD = "# where the first fails, what was found to work is run:\n";

const inVenv = (made) => {
  const set = ({ id, python }) => `uv venv --allow-existing --python ${shell(python)} ${shell(folder(id))}\nuv pip install --python ${shell(folder(id))} --require-hashes --no-deps -r ${shell(folder(id) + ".txt")}\n`;
  const run = ({ id, variables }, program) => `${variables ? variables + " " : ""}${shell(folder(id))}/bin/python ${program}\n`;
  const { old, next } = made;
  return heading(made, "uv") + files(made) + set(old) + (old === next ? "" : set(next))
    + run(old, "save.py") + (made.remedy ? `${INSTEAD}${run(next, "load.py").trimEnd()} || ${run(next, "remedy.py")}` : run(next, "load.py"));
};
const inDocker = (made) => {
  const called = (variables, programs) => programs.map((program) => `${variables ? variables + " " : ""}python ${program}`).join(" || ");
  const run = ({ id, python, variables }, ...programs) => `docker run --rm -v "$PWD":/cell -w /cell python:${shell(python)}-slim sh -c ${shell(
    `pip install -q --no-deps --require-hashes -r ${shell(folder(id) + ".txt")} && { ${called(variables, programs)}; }`)}\n`;
  const { old, next } = made;
  return heading(made, "Docker") + files(made) + run(old, "save.py") + (made.remedy ? INSTEAD + run(next, "load.py", "remedy.py") : run(next, "load.py"));
};
const asProgram = (made) => {
  const { old, next } = made, text = (value) => JSON.stringify(value).replace(/[\u007f-\uffff]/g, (one) => "\\u" + one.charCodeAt(0).toString(16).padStart(4, "0"));
  const side = ({ python, lock, variables }) => `{"python": ${text(python)}, "variables": ${text(variables)}, "lock": ${text(lock)}}`;
  return `"""${made.name.replace(/[^\w./+-]/g, "_")}: save in one environment, load in the other. Needs Python 3.8 or later, and uv."""

import os, pathlib, shlex, subprocess, tempfile

SCENARIO = ${text(made.source)}
PROGRAMS = {"save.py": ${text(made.save)},
            "load.py": ${text(made.load)},
            "remedy.py": ${text(made.remedy)}}
WRITER = ${side(old)}
READER = ${side(next)}


def run(side, program):
    (cell / "lock.txt").write_text(side["lock"], encoding="utf-8")
    venv = str(cell / side["python"])
    subprocess.run(["uv", "venv", "--clear", "--python", side["python"], venv], check=True)
    subprocess.run(["uv", "pip", "install", "--python", venv, "--require-hashes", "--no-deps", "-r", str(cell / "lock.txt")], check=True)
    variables = dict(part.split("=", 1) for part in shlex.split(side["variables"]))
    print("---", program, flush=True)
    return subprocess.run([os.path.join(venv, "bin", "python"), program], cwd=cell, env=dict(os.environ, **variables)).returncode


with tempfile.TemporaryDirectory() as folder:
    cell = pathlib.Path(folder)
    for name, text in dict(PROGRAMS, **{"scenario.py": SCENARIO}).items():
        (cell / name).write_bytes(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode("utf-8"))
    run(WRITER, "save.py")
    if run(READER, "load.py") and PROGRAMS["remedy.py"]:
        run(READER, "remedy.py")
`;
};
const repeating = (one) => {
  const made = recipe(one);
  const command = `matrix run --environments ${[...new Set([one.writer, one.reader])].map(shell).join(",")} --scenarios ${shell(one.scenario)} --formats ${one.format} --fresh`;
  const own = make("p", "", "With this tool: ", make("code", "", command), " ", copier("Copy the command", command));
  if (!made) return titled("Repeat it", own, make("p", "lead", "This run does not hold the scenario's script and both locks, so no other way is offered."));
  const ways = [["a virtual environment", inVenv(made)], ["Docker", inDocker(made)], ["a stand-alone script", asProgram(made)]];
  return titled("Repeat it", make("p", "lead", "Each saves the model in the one environment and loads it in the other, hash by hash the same packages; the weights are those that the model was born with."), own,
    make("p", "copies", ...ways.map(([name, text]) => copier(`Copy for ${name}`, text))),
    ...ways.map(([name, text]) => make("details", "", make("summary", "", `Show it for ${name}`), given(make("pre", "repeat", text), { tabindex: 0, role: "region", "aria-label": name }))));
};

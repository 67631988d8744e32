# SPDX-License-Identifier: GPL-2.0
#
# Reads KTAP and prints one line a test: "pass NAME", "fail NAME" or
# "skip NAME"; the variable prefix stands before each name.
#
# Nested tests are indented; they are counted instead of the test that sums
# them up. A test that was planned and did not report is a failure, and so are
# "Bail out!" and output without a plan.

function depth(line) {
	match(line, /^ */)
	return int(RLENGTH / 2)
}

function report(verdict, name) {
	gsub(/[^-A-Za-z0-9_.:,\/()+= ]/, "_", name)
	printf "%s %s%s\n", verdict, prefix, name
	reported++
}

# A level ends when a line of a lower one comes, or at the end of everything.
function close_level(level, i) {
	if (level in planned)
		for (i = seen[level] + 1; i <= planned[level]; i++)
			report("fail", label[level] "test " i " did not report")
	delete planned[level]
	delete seen[level]
	delete label[level]
}

function close_below(level, i) {
	for (i = deepest; i > level; i--)
		close_level(i)
	deepest = level
}

{ sub(/\r$/, "") }

/^ *# Subtest: / {
	level = depth($0)
	sub(/^ *# Subtest: /, "")
	subtest[level] = $0 ": "
	next
}

/^ *1\.\.[0-9]+/ {
	level = depth($0)
	close_below(level)
	sub(/^ */, "")
	sub(/^1\.\./, "")
	planned[level] = $0 + 0
	seen[level] = 0
	label[level] = subtest[level]
	# The line that sums up a skipped subtest says so, too.
	if ($0 ~ /# *SKIP/ && level == 0)
		report("skip", label[level] $0)
	any_plan = 1
	deepest = level
	next
}

/^ *(not )?ok [0-9]+/ {
	level = depth($0)
	nested = (deepest > level && (deepest in planned))
	close_below(level)
	line = $0
	sub(/^ */, "", line)
	good = line !~ /^not/
	sub(/^(not )?ok /, "", line)
	number = line + 0
	sub(/^[0-9]+ *(- *)?/, "", line)
	directive = ""
	if (match(line, / *# /)) {
		directive = substr(line, RSTART)
		line = substr(line, 1, RSTART - 1)
	}
	seen[level]++
	if (number != seen[level])
		report("fail", label[level] line " (number " number ", expected " seen[level] ")")
	else if (good && directive ~ /# *(SKIP|skip)/)
		report("skip", label[level] line)
	else if (good && directive ~ /# *TODO/)
		report("skip", label[level] line)
	else if (!good)
		report("fail", label[level] line)
	else if (!nested)
		report("pass", label[level] line)
	if ((level in planned) && seen[level] > planned[level])
		report("fail", label[level] line " is beyond the plan")
	next
}

/^ *Bail out!/ { report("fail", $0) }

END {
	close_below(-1)
	if (!any_plan)
		report("fail", "no plan: the test did not start")
}

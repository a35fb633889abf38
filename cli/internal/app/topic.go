package app

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/cli/internal/spelling"
)

// topics are the texts of airtill help TOPIC: the first line is what it is about, the
// rest the text. A line {{NAME}} stands for what is made from the code, so that it is true.
//
//go:embed topics/*.txt
var topicFiles embed.FS

// cheatFiles are the lists of airtill cheat TOPIC, in the same form.
//
//go:embed cheats/*.txt
var cheatFiles embed.FS

// topic is one text.
type topic struct {
	Name string `json:"topic"`
	What string `json:"what"`
	text string
}

// readTopics reads the texts of a directory, in the order of their names.
func readTopics(files fs.FS) []topic {
	paths, err := fs.Glob(files, "*/*.txt")
	if err != nil {
		panic(err) // the pattern is ours
	}
	var all []topic
	for _, path := range paths {
		text, err := fs.ReadFile(files, path)
		if err != nil {
			panic(err) // it is part of the program
		}
		what, rest, _ := strings.Cut(string(text), "\n")
		_, name, _ := cutLast(path, "/")
		all = append(all, topic{strings.TrimSuffix(name, ".txt"), what, strings.Trim(rest, "\n") + "\n"})
	}
	return all
}

func topics() []topic { return readTopics(topicFiles) }

func cheats() []topic { return readTopics(cheatFiles) }

func findTopic(all []topic, name string) (topic, bool) {
	i := slices.IndexFunc(all, func(t topic) bool { return t.Name == name })
	if i < 0 {
		return topic{}, false
	}
	return all[i], true
}

func topicNames(all []topic) (names []string) {
	for _, t := range all {
		names = append(names, t.Name)
	}
	return names
}

// fill answers a text with what is made from the code put in, that in lines of a width; 0
// is no bound.
func (t topic) fill(top command, width int) string {
	made := map[string]func() string{
		"statuses":  func() string { return statusTable(width) },
		"variables": func() string { return variableTable(top, width) },
		"settings":  func() string { return settingTable(top, width) },
		"commands":  func() string { return commandTable(top, width) },
		"topics":    func() string { return topicTable(topics(), width) },
		"cheats":    func() string { return topicTable(cheats(), width) },
	}
	text := t.text
	for _, name := range slices.Sorted(maps.Keys(made)) {
		if mark := "{{" + name + "}}\n"; strings.Contains(text, mark) {
			text = strings.ReplaceAll(text, mark, made[name]())
		}
	}
	return text
}

func statusTable(width int) string {
	var rows [][2]string
	for _, m := range meanings() {
		text := m.means
		if m.then != "" {
			text += " (" + m.then + ")"
		}
		rows = append(rows, [2]string{fmt.Sprintf("%3d", m.status), text})
	}
	return rowsText(rows, width)
}

func topicTable(all []topic, width int) string {
	var rows [][2]string
	for _, t := range all {
		if t.Name != tourTopic {
			rows = append(rows, [2]string{t.Name, t.What})
		}
	}
	return rowsText(rows, width)
}

// commandTable lists the commands of the top by section.
func commandTable(top command, width int) string {
	var b strings.Builder
	helpPage{command: top}.writeCommands(&b, width)
	return strings.TrimPrefix(b.String(), "\n")
}

// variables are the environment's variables of flags, each with what it does.
func variables(top command) map[string]string {
	all := make(map[string]string)
	for _, words := range leaves(top, nil) {
		leaf := descend(top, words)
		for _, f := range leaf.allFlags("airtill "+strings.Join(words, " "), new(commonFlags)) {
			doc, ok := f.(cli.DocGenerationFlag)
			if !ok {
				continue
			}
			usage, _ := placeholder(doc.GetUsage())
			for _, name := range doc.GetEnvVars() {
				if all[name] == "" {
					all[name] = dashed(f.Names()[0]) + ": " + usage
				}
			}
		}
	}
	return all
}

func variableTable(top command, width int) string {
	all := variables(top)
	var rows [][2]string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		rows = append(rows, [2]string{name, all[name]})
	}
	return rowsText(rows, width)
}

// settingTable lists the settings that the most commands share.
func settingTable(top command, width int) string {
	count := make(map[string]int)
	for _, words := range leaves(top, nil) {
		leaf := descend(top, words)
		for _, f := range leaf.flags {
			if leaf.isSetting(f) {
				count[f.Names()[0]]++
			}
		}
	}
	names := slices.SortedFunc(maps.Keys(count), func(a, b string) int {
		if count[a] != count[b] {
			return count[b] - count[a]
		}
		return strings.Compare(a, b)
	})
	var rows [][2]string
	for _, name := range names[:min(12, len(names))] {
		rows = append(rows, [2]string{name, fmt.Sprintf("%d commands", count[name])})
	}
	return rowsText(rows, width)
}

// tourTopic is what help shows by itself.
const tourTopic = "tour"

func helpCommand() command {
	var man bool
	return command{
		name: "help", short: "show the tour, a topic, or what a command does", section: "Help", args: "[TOPIC|COMMAND...]",
		about:    "Without an argument it is a tour. A topic comes before a command of the same name, whose own help is COMMAND --help.",
		examples: []string{"airtill help", "airtill help exit-codes", "airtill help bill create", "airtill help --man"},
		flags:    []cli.Flag{&cli.BoolFlag{Name: "man", Usage: "write the manual page: see it with airtill help --man | man -l -", Destination: &man}},
		run: func(_ context.Context, c *call) error {
			if man {
				return write(c.env.Stdout, manPage(c.top()))
			}
			return showHelp(c, c.args)
		},
	}
}

// showHelp shows the tour or a topic. Commands' own help is the frame's, which has taken
// the words before.
func showHelp(c *call, words []string) error {
	name := tourTopic
	if len(words) > 0 {
		name = words[0]
	}
	all := topics()
	if t, found := findTopic(all, name); found && len(words) < 2 {
		return write(c.env.Stdout, t.fill(c.top(), widthOf(c.env.Stdout)))
	}
	known := append(topicNames(all), visibleNames(c.top().sub)...)
	if near := spelling.Nearest(name, known); near != "" {
		return usagef("no topic and no command %q; did you mean %q?", name, near)
	}
	return usagef("no topic and no command %q; topics: %s", name, strings.Join(topicNames(all), ", "))
}

// aboutCommand says whether help's words name a command rather than a topic.
func aboutCommand(top command, words []string) bool {
	if len(words) == 0 || strings.HasPrefix(words[0], "-") {
		return false
	}
	if _, isTopic := findTopic(topics(), words[0]); isTopic && len(words) == 1 {
		return false
	}
	has := func(name string) bool { return slices.Contains(visibleNames(top.sub), name) }
	return has(words[0]) || !has("help")
}

func cheatCommand() command {
	return command{
		name: "cheat", short: "show commands to paste, for bills, phones, merchants, the carrier and more", section: "Help", args: "[TOPIC]",
		examples: []string{"airtill cheat", "airtill cheat bill"},
		run: func(_ context.Context, c *call) error {
			all := cheats()
			if len(c.args) == 0 {
				return printRows(c.out, all,
					column[topic]{name: "topic", cell: func(t topic) string { return t.Name }},
					column[topic]{name: "what", cell: func(t topic) string { return t.What }})
			}
			t, found := findTopic(all, c.args[0])
			if !found {
				return usagef("no cheat sheet %q; there are: %s", c.args[0], strings.Join(topicNames(all), ", "))
			}
			return write(c.env.Stdout, "# "+t.What+"\n\n"+t.text)
		},
	}
}

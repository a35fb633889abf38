package screen

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"github.com/airtill/airtill/cli/internal/load"
)

// Live is the display that has a whole terminal.
type Live struct {
	Console
	Orders chan<- load.Order // what the keys ask for

	frame func(State, Look) string // Frame, but for tests
}

// keysAhead is how many orders may wait for the run to take them.
const keysAhead = 64

// Run paints snapshots until they end or ctx does, and puts the terminal back as it was;
// so it does when painting panics. In and Out must be terminals.
func (v Live) Run(ctx context.Context, snapshots <-chan load.Snapshot) error {
	showing, end := context.WithCancel(ctx)
	waiting := make(chan load.Order, keysAhead)
	m := v.model(waiting)
	program := tea.NewProgram(m, v.options()...)
	var beside sync.WaitGroup
	beside.Go(func() { v.deliver(showing, waiting) })
	beside.Go(func() {
		_ = each(showing, snapshots, func(s load.Snapshot) error { program.Send(s); return nil })
		program.Quit() // a program whose context ends does not wait for its reader of keys
	})
	_, err := program.Run()
	end()
	beside.Wait()
	switch {
	case m.broken != nil:
		return m.broken
	case err != nil:
		return fmt.Errorf("paint the terminal: %w", err)
	}
	return ctx.Err()
}

// options leave signals to whoever runs the load: in a terminal of ours Ctrl-C is a key.
func (v Live) options() []tea.ProgramOption {
	profile := colorprofile.Ascii
	if v.Look.Colour {
		profile = colorprofile.ANSI
	}
	return []tea.ProgramOption{
		tea.WithInput(v.In), tea.WithOutput(v.Out), tea.WithEnvironment(v.environment()),
		tea.WithoutSignalHandler(), tea.WithColorProfile(profile), tea.WithFPS(20),
	}
}

// environment is what the terminal's kind is told by.
func (v Live) environment() []string {
	var all []string
	for _, name := range []string{"TERM", "TERM_PROGRAM", "SSH_TTY", "WT_SESSION", "COLUMNS", "LINES"} {
		if value := v.Getenv(name); value != "" {
			all = append(all, name+"="+value)
		}
	}
	return all
}

// deliver hands orders to the run, which takes them when it can; the keys do not wait for it.
func (v Live) deliver(ctx context.Context, waiting <-chan load.Order) {
	for {
		select {
		case o := <-waiting:
			select {
			case v.Orders <- o:
			case <-ctx.Done():
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

func (v Live) model(waiting chan<- load.Order) *model {
	m := &model{
		look: v.Look, frame: v.frame, keys: keys{step: v.RateStep},
		give: func(o load.Order) bool {
			select {
			case waiting <- o:
				return true
			default:
				return false
			}
		},
		interrupted: v.Interrupted,
	}
	if m.frame == nil {
		m.frame = Frame
	}
	if m.interrupted == nil {
		m.interrupted = func() {}
	}
	return m
}

// model is the program that the terminal runs: it keeps the state, and paints it anew
// after each message.
type model struct {
	state       State
	look        Look
	keys        keys
	give        func(load.Order) bool // false if there are too many before it
	interrupted func()
	frame       func(State, Look) string
	picture     string
	broken      error // it panicked
}

// pastKept is how many intervals can be looked back on; no terminal is wider.
const pastKept = 1000

func (m *model) Init() tea.Cmd { return nil }

// Update takes a message and paints. One that panics ends the program as usual, so that the
// terminal is put back.
func (m *model) Update(message tea.Msg) (after tea.Model, next tea.Cmd) {
	defer func() {
		if r := recover(); r != nil {
			after = m
			m.broken, next = fmt.Errorf("it could not paint: %v\n%s", r, debug.Stack()), tea.Quit
		}
	}()
	switch message := message.(type) {
	case load.Snapshot:
		m.see(message)
	case tea.WindowSizeMsg:
		m.look.Width, m.look.Height = message.Width, message.Height
	case tea.KeyPressMsg:
		m.press(message.String())
	}
	m.picture = m.frame(m.state, m.look)
	return m, nil
}

func (m *model) View() tea.View {
	view := tea.NewView(m.picture)
	view.AltScreen = true
	view.DisableBracketedPasteMode = true
	return view
}

// see takes a snapshot, and keeps its interval if it is another than the last one's.
func (m *model) see(s load.Snapshot) {
	m.state.Snapshot = s
	m.keys.see(s)
	past := m.state.Past
	if s.Last.At > 0 && (len(past) == 0 || past[len(past)-1].At != s.Last.At) {
		m.state.Past = append(past[max(len(past)-pastKept+1, 0):], s.Last)
	}
}

// press does what a key is for.
func (m *model) press(key string) {
	m.state.Notice = ""
	if m.state.Help { // any key takes it away; those that stop do so too
		m.state.Help = false
		if key != "ctrl+c" && key != "q" && key != "Q" {
			return
		}
	}
	if key == "?" {
		m.state.Help = true
		return
	}
	if len(key) == 1 && key >= "1" && key <= "4" {
		m.state.Page = Page(key[0] - '0')
		return
	}
	order, notice := m.keys.order(key, m.state.Snapshot)
	if order != nil && !m.give(*order) {
		notice = "the run takes no more keys for the moment"
	}
	m.state.Notice = notice
	if key == "ctrl+c" {
		m.interrupted()
	}
}

// What was called: a count of every SOAP method, which proves that nobody took a snapshot, and each machine's
// latest power call, since its state alone does not tell a guest's own shutdown from a pulled plug.
package main

import (
	"bytes"
	"encoding/json"
	"io/ioutil"
	"net/http"
	"os"
	"regexp"
	"sync"
	"time"
)

var soapMethod = regexp.MustCompile(`Body[^>]*>\s*<(?:[\w-]+:)?(\w+)`)
var soapMachine = regexp.MustCompile(`type="VirtualMachine"[^>]*>([^<]+)<`)

type callCount struct {
	sync.Mutex
	path    string
	changed bool
	byName  map[string]int
	power   map[string]string
}

func callCountMake(path string) *callCount {
	return &callCount{path: path, changed: true, byName: map[string]int{}, power: map[string]string{}}
}

func (c *callCount) add(method string, body []byte) {
	c.Lock()
	defer c.Unlock()
	c.byName[method]++
	c.changed = true
	switch method {
	case "PowerOffVM_Task", "PowerOnVM_Task", "ShutdownGuest":
		if machine := soapMachine.FindSubmatch(body); machine != nil {
			c.power[string(machine[1])] = method
		}
	}
}

// plugPulled says whether the machine's power was last taken, and not its guest asked.
func (c *callCount) plugPulled(moid string) bool {
	c.Lock()
	defer c.Unlock()
	return c.power[moid] == "PowerOffVM_Task"
}

func (c *callCount) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		if request.Method == http.MethodPost {
			body, _ := ioutil.ReadAll(request.Body)
			request.Body = ioutil.NopCloser(bytes.NewReader(body))
			if named := soapMethod.FindSubmatch(body); named != nil {
				c.add(string(named[1]), body)
			}
		}
		next.ServeHTTP(writer, request)
	})
}

func (c *callCount) write() {
	c.Lock()
	defer c.Unlock()
	if !c.changed || c.path == "" {
		return
	}
	text, _ := json.Marshal(c.byName)
	if ioutil.WriteFile(c.path+".new", text, 0o644) == nil && os.Rename(c.path+".new", c.path) == nil {
		c.changed = false
	}
}

func (c *callCount) keepWriting() {
	for range time.Tick(250 * time.Millisecond) {
		c.write()
	}
}

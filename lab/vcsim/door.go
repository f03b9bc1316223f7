// The hosts' own way to their vCenter, as vpxa is on ESXi: a unix socket with one JSON object per line each way.
// It is the lab's, not vSphere's: the product never sees it, and a host needs no session that could expire.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"sort"
	"strings"

	"github.com/vmware/govmomi/find"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/types"
)

type diskSeen struct {
	Path string `json:"path"`
	Size int64  `json:"size"`
}

type machineSeen struct {
	Moid string `json:"moid"`
	Name string `json:"name"`
	Host string `json:"host"`
	On   bool   `json:"on"`
	// Plug: it went off because somebody took the power, and not by its guest.
	Plug  bool       `json:"plug"`
	Disks []diskSeen `json:"disks"`
}

type order struct {
	Op     string  `json:"op"`
	Moid   string  `json:"moid"`
	Name   string  `json:"name"`
	Host   string  `json:"host"`
	Memory int64   `json:"memory"`
	Cpus   int32   `json:"cpus"`
	Sizes  []int64 `json:"sizes"`
}

type answer struct {
	Machines   []machineSeen     `json:"machines,omitempty"`
	Datastores map[string]string `json:"datastores,omitempty"`
	Moid       string            `json:"moid,omitempty"`
	Error      string            `json:"error,omitempty"`
}

type hostDoor struct {
	client *vim25.Client
	calls  *callCount
}

func doorOpen(path string, door *hostDoor) {
	listener, err := net.Listen("unix", path)
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go door.serve(connection)
		}
	}()
}

func (door *hostDoor) serve(connection net.Conn) {
	defer connection.Close()
	lines := bufio.NewScanner(connection)
	for lines.Scan() {
		var wanted order
		said := answer{}
		err := json.Unmarshal(lines.Bytes(), &wanted)
		if err == nil {
			said, err = door.obey(context.Background(), wanted)
		}
		if err != nil {
			said.Error = err.Error()
		}
		if json.NewEncoder(connection).Encode(said) != nil {
			return
		}
	}
}

func (door *hostDoor) obey(ctx context.Context, wanted order) (answer, error) {
	machine := object.NewVirtualMachine(door.client, types.ManagedObjectReference{Type: "VirtualMachine", Value: wanted.Moid})
	switch wanted.Op {
	case "list":
		return answer{Machines: door.machinesSeen(), Datastores: datastoresSeen()}, nil
	case "power_on":
		return answer{}, waited(ctx)(machine.PowerOn(ctx))
	case "power_off":
		return answer{}, waited(ctx)(machine.PowerOff(ctx))
	case "destroy":
		if task, err := machine.PowerOff(ctx); err == nil {
			_ = task.Wait(ctx) // off already, as often as not
		}
		return answer{}, waited(ctx)(machine.Destroy(ctx))
	case "create":
		moid, err := machineCreate(ctx, door.client, wanted)
		return answer{Moid: moid}, err
	}
	return answer{}, fmt.Errorf("no such order: %s", wanted.Op)
}

func waited(ctx context.Context) func(*object.Task, error) error {
	return func(task *object.Task, err error) error {
		if err != nil {
			return err
		}
		return task.Wait(ctx)
	}
}

func (door *hostDoor) machinesSeen() []machineSeen {
	seen := []machineSeen{}
	for _, entity := range simulator.Map.All("VirtualMachine") {
		machine, known := entity.(*simulator.VirtualMachine)
		if !known || machine.Config == nil {
			continue
		}
		simulator.Map.WithLock(machine, func() {
			one := machineSeen{Moid: machine.Self.Value, Name: machine.Name, Disks: []diskSeen{}}
			one.Plug = door.calls.plugPulled(one.Moid)
			one.On = machine.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn
			if machine.Runtime.Host != nil {
				one.Host = hostName(*machine.Runtime.Host)
			}
			for _, device := range machine.Config.Hardware.Device {
				disk, known := device.(*types.VirtualDisk)
				if !known {
					continue
				}
				if backing, known := disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo); known {
					one.Disks = append(one.Disks, diskSeen{Path: backing.FileName, Size: disk.CapacityInKB * 1024})
				}
			}
			seen = append(seen, one)
		})
	}
	sort.Slice(seen, func(i, j int) bool { return seen[i].Moid < seen[j].Moid })
	return seen
}

func hostName(reference types.ManagedObjectReference) string {
	if host, known := simulator.Map.Get(reference).(*simulator.HostSystem); known {
		return host.Name
	}
	return ""
}

func datastoresSeen() map[string]string {
	seen := map[string]string{}
	for _, entity := range simulator.Map.All("Datastore") {
		if store, known := entity.(*simulator.Datastore); known {
			seen[store.Name] = store.Info.GetDatastoreInfo().Url
		}
	}
	return seen
}

// machineCreate is what the tenant's own administrator did long before Landfall came.
func machineCreate(ctx context.Context, client *vim25.Client, wanted order) (string, error) {
	finder := find.NewFinder(client)
	center, err := finder.DefaultDatacenter(ctx)
	if err != nil {
		return "", err
	}
	finder.SetDatacenter(center)
	folders, err := center.Folders(ctx)
	if err != nil {
		return "", err
	}
	host, err := finder.HostSystem(ctx, "*/"+wanted.Host)
	if err != nil {
		return "", err
	}
	pool, err := host.ResourcePool(ctx)
	if err != nil {
		return "", err
	}
	store, err := finder.DefaultDatastore(ctx)
	if err != nil {
		return "", err
	}
	spec, err := machineSpec(ctx, finder, store, wanted)
	if err != nil {
		return "", err
	}
	task, err := folders.VmFolder.CreateVM(ctx, spec, pool, host)
	if err != nil {
		return "", err
	}
	made, err := task.WaitForResult(ctx, nil)
	if err != nil {
		return "", err
	}
	reference := made.Result.(types.ManagedObjectReference)
	return reference.Value, toolsRunning(ctx, object.NewVirtualMachine(client, reference))
}

func machineSpec(ctx context.Context, finder *find.Finder, store *object.Datastore, wanted order) (types.VirtualMachineConfigSpec, error) {
	spec := types.VirtualMachineConfigSpec{
		Name: wanted.Name, GuestId: "debian11_64Guest", NumCPUs: wanted.Cpus, MemoryMB: wanted.Memory,
		Files: &types.VirtualMachineFileInfo{VmPathName: fmt.Sprintf("[%s] %s/%s.vmx", store.Name(), wanted.Name, wanted.Name)},
	}
	devices := object.VirtualDeviceList{}
	controller, err := devices.CreateSCSIController("pvscsi")
	if err != nil {
		return spec, err
	}
	devices = append(devices, controller)
	for number, size := range wanted.Sizes {
		path := fmt.Sprintf("[%s] %s/disk%d.vmdk", store.Name(), wanted.Name, number)
		disk := devices.CreateDisk(controller.(types.BaseVirtualController), store.Reference(), path)
		disk.CapacityInKB = size / 1024
		devices = append(devices, disk)
	}
	network, err := finder.Network(ctx, "*DVPG0")
	if err != nil {
		return spec, err
	}
	backing, err := network.EthernetCardBackingInfo(ctx)
	if err != nil {
		return spec, err
	}
	card, err := devices.CreateEthernetCard("vmxnet3", backing)
	if err != nil {
		return spec, err
	}
	spec.DeviceChange, err = append(devices, card).ConfigSpec(types.VirtualDeviceConfigSpecOperationAdd)
	return spec, err
}

// toolsRunning makes the guest look as one with VMware Tools, without which nobody could shut it down.
func toolsRunning(ctx context.Context, machine *object.VirtualMachine) error {
	set := func(key, value string) types.BaseOptionValue {
		return &types.OptionValue{Key: "SET." + key, Value: value}
	}
	task, err := machine.Reconfigure(ctx, types.VirtualMachineConfigSpec{ExtraConfig: []types.BaseOptionValue{
		set("guest.toolsStatus", "toolsOk"), set("guest.toolsRunningStatus", "guestToolsRunning"),
		set("guest.hostName", strings.ToLower(machine.Reference().Value)),
	}})
	if err != nil {
		return err
	}
	return task.Wait(ctx)
}

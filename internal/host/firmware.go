package host

import (
	"io/fs"
	"strings"
)

// dmi is the folder of what the firmware says. Only the files named here are
// read: others hold serial numbers and what owners wrote.
const dmi = "sys/class/dmi/id/"

// readFirmware reads who made the machine and, in a cloud, what it is rented
// as.
func (f *Facts) readFirmware(root fs.FS) {
	vendor := text(root, dmi+"sys_vendor")
	product := text(root, dmi+"product_name")
	bios := text(root, dmi+"bios_version")
	f.Vendor, f.Product = meaningful(vendor), meaningful(product)
	f.Class = class(text(root, dmi+"chassis_type"))
	if f.Product == "" {
		f.Product = text(root, "proc/device-tree/model") // small Arm boards
		if f.Product != "" {
			f.Class = classOf(f.Product)
		}
	}
	f.Provider = provider(vendor, product, bios)
	if f.Provider == "" {
		f.Provider = providerOfChassis(text(root, dmi+"chassis_asset_tag"))
	}
	if f.Provider == "aws" && strings.Contains(product, ".") {
		f.InstanceType = product // Nitro: m5.xlarge
	}
}

// meaningful is "" where the maker left the field as it came.
func meaningful(s string) string {
	switch strings.ToLower(s) {
	case "to be filled by o.e.m.", "system manufacturer", "system product name", "default string", "not specified", "none", "unknown", "o.e.m.":
		return ""
	}
	return s
}

// provider tells the cloud by what its firmware calls itself.
func provider(vendor, product, bios string) string {
	switch {
	case vendor == "Amazon EC2", strings.HasSuffix(strings.ToLower(bios), ".amazon"):
		return "aws"
	case vendor == "Google" && product == "Google Compute Engine", product == "Google Compute Engine":
		return "gcp"
	case strings.HasPrefix(vendor, "Alibaba Cloud"):
		return "alibaba"
	case vendor == "Tencent Cloud":
		return "tencent"
	case vendor == "Huawei Cloud", vendor == "Huawei" && strings.Contains(product, "Cloud"):
		return "huawei"
	case vendor == "DigitalOcean":
		return "digitalocean"
	case vendor == "Hetzner":
		return "hetzner"
	case vendor == "Scaleway":
		return "scaleway"
	case vendor == "Vultr":
		return "vultr"
	case vendor == "Linode", vendor == "Akamai":
		return "akamai"
	case vendor == "UpCloud":
		return "upcloud"
	case vendor == "Exoscale":
		return "exoscale"
	}
	return ""
}

// providerOfChassis knows two constants that clouds write where owners of
// hardware write their own tag; nothing else of the field is kept.
func providerOfChassis(tag string) string {
	switch tag {
	case "7783-7084-3265-9085-8269-3286-77":
		return "azure"
	case "OracleCloud.com":
		return "oracle"
	}
	return ""
}

// classOf is what a product is that has a device tree in place of firmware
// tables: a small board, unless Apple made it.
func classOf(product string) string {
	switch {
	case strings.HasPrefix(product, "Apple MacBook"):
		return "laptop"
	case strings.HasPrefix(product, "Apple "):
		return "desktop"
	}
	return "single-board"
}

// class tells the kind of machine by its chassis type (SMBIOS 3.7, 7.4.1).
func class(chassis string) string {
	switch chassis {
	case "17", "23", "25", "28", "29":
		return "server"
	case "3", "4", "5", "6", "7", "13", "15", "24", "35", "36":
		return "desktop"
	case "8", "9", "10", "14", "30", "31", "32":
		return "laptop"
	}
	return ""
}

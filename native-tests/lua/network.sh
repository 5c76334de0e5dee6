# A network of its own: loopback, service addresses, and capture of what goes to them, as in a pod.
ip link set lo up
ip route add default dev lo
ip -6 route add default dev lo 2>/dev/null
for address in 10.96.0.1 10.96.0.2 10.97.0.1; do
    ip address add "$address/32" dev lo
done
ip -6 address add fd00:96::1/128 dev lo

iptables -t nat -A OUTPUT -p tcp -s 127.9.9.9 -j RETURN
iptables -t nat -A OUTPUT -p tcp -d 10.96.0.0/15 -j REDIRECT --to-ports 15001
ip6tables -t nat -A OUTPUT -p tcp -d fd00:96::/64 -j REDIRECT --to-ports 15001

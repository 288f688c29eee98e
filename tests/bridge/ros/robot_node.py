"""A node as robots have them, under the ROS Python: a service that tells its calls, an action, parameters.

Usage: robot_node.py NAME [DESCRIPTION]; the description becomes the parameter `robot_description`. Standard input takes
`call NUMBER` (of the service, that many times), `act` (one goal) and `describe TEXT` (a latched /robot_description); each is
answered by `done`. Says `ready` first.
"""

import sys
import threading
from typing import Any

import rclpy
from rclpy.action import ActionClient, ActionServer
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.executors import MultiThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile, qos_profile_system_default
from rclpy.service_introspection import ServiceIntrospectionState
from std_msgs.msg import String
from test_msgs.action import Fibonacci
from test_msgs.srv import BasicTypes

rclpy.init(args=[])
node = rclpy.create_node(sys.argv[1], namespace="/robot")
node.declare_parameter("speed.limit", 1.5)
node.declare_parameter("speed.levels", [1, 2, 3])
node.declare_parameter("name", "grüße")
node.declare_parameter("on", True)
if any(sys.argv[2:]):
    node.declare_parameter("robot_description", sys.argv[2])
group = ReentrantCallbackGroup()


def answer(request: Any, response: Any) -> Any:
    response.int32_value = request.int32_value * 2
    response.string_value = request.string_value + "!"
    return response


def act(goal: Any) -> Any:
    feedback = Fibonacci.Feedback()
    for number in range(goal.request.order):
        feedback.sequence = list(range(number + 1))
        goal.publish_feedback(feedback)
    goal.succeed()
    result = Fibonacci.Result()
    result.sequence = [7] * goal.request.order
    return result


service = node.create_service(BasicTypes, "twice", answer, callback_group=group)
client = node.create_client(BasicTypes, "twice", callback_group=group)
service.configure_introspection(node.get_clock(), qos_profile_system_default, ServiceIntrospectionState.CONTENTS)
server = ActionServer(node, Fibonacci, "count", act, callback_group=group)
if hasattr(server, "configure_introspection"):  # from Kilted on
    server.configure_introspection(node.get_clock(), qos_profile_system_default, ServiceIntrospectionState.CONTENTS)
doer = ActionClient(node, Fibonacci, "count", callback_group=group)
descriptions = []
executor = MultiThreadedExecutor()
executor.add_node(node)
threading.Thread(target=executor.spin, daemon=True).start()
assert client.wait_for_service(10)
assert doer.wait_for_server(10)
print("ready", flush=True)
for line in sys.stdin:
    word, _, rest = line.strip().partition(" ")
    if word == "call":
        for number in range(int(rest)):
            request = BasicTypes.Request()
            request.int32_value, request.string_value = number, f"call {number}"
            assert client.call(request).int32_value == 2 * number
    elif word == "act":
        assert doer.send_goal(Fibonacci.Goal(order=5)).result.sequence.tolist() == [7] * 5
    elif word == "describe":
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        descriptions.append(node.create_publisher(String, "robot_description", latched))
        descriptions[0].publish(String(data=rest))
    print("done", flush=True)
